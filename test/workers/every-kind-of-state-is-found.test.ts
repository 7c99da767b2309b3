/** About src/workers/ */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { filesUnder, importsOf } from '../structure/source-files.js';

const ENTRY = 'src/workers/session.ts';
const DECLARED = /: StateKind<[^>]*> = \{\s*name: '([^']+)'/g;
/** `causal: async () => (await import('../sampling/causal-state.js')).causalState,` */
const LISTED = /^ {2}(\w+): async \(\) => \(await import\('[^']+'\)\)\.\w+,$/gm;

const namesIn = (path: string, pattern: RegExp) =>
  [...readFileSync(path, 'utf8').matchAll(pattern)].map(([, name]) => name);

describe('the kinds of states', () => {
  it('are listed by the names that they declare, each of them', () => {
    const declared = filesUnder('src').flatMap((path) => namesIn(path, DECLARED));
    expect(declared.length).toBeGreaterThan(2);
    expect(namesIn(ENTRY, LISTED).sort()).toEqual(declared.sort());
  });

  it('are loaded when the first state of them begins', () => {
    const lazy = importsOf(ENTRY).filter(({ kind }) => kind === 'dynamic');
    expect(lazy).toHaveLength(namesIn(ENTRY, LISTED).length);
  });
});
