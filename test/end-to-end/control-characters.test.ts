/** About src/commands/inspect.ts, src/commands/ppl.ts */
import { beforeAll, describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { smallModel, writeModel } from './small-models.js';

const CLEAR = '\x1b[2J\x1b]0;owned\x07\u202e';
/** What acts on a terminal: C0 but the line end, DEL, C1, bidirectional overrides. */
const ACTING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write(`text${CLEAR}.txt`, `${CLEAR}A little text. `.repeat(20));
});

describe('control characters from files do not reach the terminal', () => {
  it('in names, through every printer', async () => {
    const file = writeModel(space, `=evil${CLEAR}`, smallModel());
    const run = ['ppl', '--model', file, '--dataset', `./text${CLEAR}.txt`, '--limit', '3'];
    const { stdout, stderr } = await succeed(space, [
      ...run,
      '--out',
      'out.csv',
      '--out',
      'out.md',
      '--out',
      'out.json',
    ]);
    expect(stdout).toContain('evil');
    for (const text of [stdout, stderr, space.read('out.csv'), space.read('out.md'), space.read('out.json')])
      expect(text).not.toMatch(ACTING);
    // A spreadsheet would run what starts with "=".
    expect(space.read('out.csv').split('\n')[1]).toMatch(/^ppl,'=evil/);
  });

  it('in the metadata and the nodes of a model that is refused', async () => {
    const graph = Graph.fromBytes(smallModel({ output: `logits${CLEAR}` }).toBytes());
    graph.setMetadata(`duo-eval.note${CLEAR}`, JSON.stringify(CLEAR));
    const refused = await space.run(['ppl', '--model', writeModel(space, 'refused', graph)]);
    expect(refused.code).toBe(3);
    expect(refused.stderr).not.toMatch(ACTING);
    expect(refused.stderr).toContain('its outputs are: "logits"');
  });

  it('in what inspect shows of card and metadata', async () => {
    const graph = smallModel();
    graph.setMetadata('duo-eval.note', JSON.stringify(`a note${CLEAR}`));
    graph.setMetadata(`duo-eval.odd${CLEAR}key`, JSON.stringify(`${CLEAR}value`));
    const file = writeModel(space, 'shown', graph, { trainedOn: `the web${CLEAR}` });
    const { stdout, stderr } = await succeed(space, ['inspect', file]);
    expect(stdout).toContain('the web');
    expect(stdout).toContain('a note');
    for (const text of [stdout, stderr]) expect(text).not.toMatch(ACTING);
  });

  it('in a failure under --json', async () => {
    const { stdout, code } = await space.run(['ppl', '--json', '--model', `gone${CLEAR}.onnx`]);
    expect(code).toBe(3);
    expect(stdout).not.toMatch(ACTING);
  });
});
