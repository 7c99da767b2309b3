/** Gates as a file of them is read, from the text below `gates:`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readGates } from '../../src/comparison/gate/config.js';

export function gatesOf(text: string): ReturnType<typeof readGates> {
  const folder = mkdtempSync(join(tmpdir(), 'duo-eval-gates-'));
  try {
    const path = join(folder, 'gates.yaml');
    writeFileSync(path, `gates:\n${text}\n`);
    return readGates(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
