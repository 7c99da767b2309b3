/** About src/index.ts and docs/library.md; the slow suite runs the examples. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { compile, link, writeProject } from './project.js';

describe('the examples of docs/library.md', () => {
  let folder: string;
  beforeAll(() => {
    folder = temporaryFolder().root;
    writeProject(folder);
    link(folder, ['duo-eval', '@types']);
  });

  it('compile in a strict project', async () => {
    await expect(compile(folder)).resolves.toBeUndefined();
  });

  it('would not, with a field of another type', async () => {
    writeFileSync(
      join(folder, 'wrong.ts'),
      "import { evaluatePerplexity } from 'duo-eval';\nawait evaluatePerplexity({ models: ['a'], draws: '2' });\n",
    );
    await expect(compile(folder)).rejects.toThrow(/wrong\.ts\(2,\d+\): error TS2322/);
  });
});
