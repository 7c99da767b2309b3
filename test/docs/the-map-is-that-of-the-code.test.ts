/** About CONTRIBUTING.md, scripts/draw-map.mjs */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/run.js';
import { textOf } from './pages.js';

it('CONTRIBUTING.md has the map that the imports of src/ draw', () => {
  // Ends with status 1, and says how to draw it anew, when it is not.
  execFileSync(process.execPath, [join(root, 'scripts/draw-map.mjs'), '--check']);
  expect(textOf('CONTRIBUTING.md')).toMatch(/flowchart TD\n {2}commands --> /);
});
