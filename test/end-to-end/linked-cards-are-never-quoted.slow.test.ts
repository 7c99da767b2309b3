/** About src/commands/gen.ts, src/commands/inspect.ts, src/commands/ppl.ts, src/commands/sample.ts */
import { copyFileSync, rmSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fixture } from '../support/run.js';
import { workspace } from '../support/workspace.js';

const space = workspace();
copyFileSync(fixture('ar.onnx'), space.at('model.onnx'));
copyFileSync(fixture('ar.onnx'), space.at('fine.onnx'));
copyFileSync(fixture('ar.card.json'), space.at('fine.card.json'));
const SECRET = 'hunter2';

const files: [string, string][] = [
  ['accounts', `root:x:0:0:${SECRET}:/root:/bin/sh\ndaemon:x:1:1:${SECRET}:/:/bin/false\n`],
  ['a line', SECRET],
  ['a quoted line', `"${SECRET}"`],
  ['variables', `TOKEN=${SECRET}\n`],
  ['JSON that is no card', `{"family": "${SECRET}", "vocabSize": "${SECRET}", "${SECRET}": 1}`],
  ['JSON with a schedule', `{"schedule": {"type": "${SECRET}", "${SECRET}": 2}}`],
  ['JSON that is cut', `{"password": "${SECRET}`],
  ['a list', `["${SECRET}"]`],
];
const readers: [string, string[]][] = [
  ['inspect', ['inspect', 'model.onnx']],
  ['ppl', ['ppl', '--model', 'model.onnx', '--limit', '2']],
  ['sample', ['sample', '--model', 'model.onnx', '--samples', '1']],
  [
    'gen --judge',
    ['gen', '--model', 'fine.onnx', '--tokenizer', fixture('tokenizer'), '--judge', 'model.onnx'],
  ],
];

describe.skipIf(process.platform === 'win32')('a card that is a link', () => {
  it.each(files)('to %s is refused without a word of it', async (_, content) => {
    rmSync(space.at('model.card.json'), { force: true });
    space.write('secrets', content);
    symlinkSync('secrets', space.at('model.card.json'));
    for (const [, args] of readers) {
      const { code, stdout, stderr } = await space.run([...args, '--json']);
      expect(code).toBe(3);
      expect(stdout).toContain('malformed-card');
      expect(stdout + stderr).not.toContain(SECRET);
    }
  });

  it('and is a card is read', async () => {
    rmSync(space.at('model.card.json'), { force: true });
    symlinkSync('fine.card.json', space.at('model.card.json'));
    expect((await space.run(['inspect', 'model.onnx'])).code).toBe(0);
  });
});
