import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import { Add, Gather, Min, Mul, Range, ReduceSum, Shape } from '../../src/graph/operators.js';
import { checkpointOfGraph, openCheckpoint } from '../../src/models/checkpoint.js';
import { checkPositions, tabledPositions } from '../../src/models/positions.js';
import { expectFailure } from '../end-to-end/failure.js';
import { smallNetwork } from '../graph/small-network.js';
import { fixture } from '../support/run.js';
import { workspace } from '../support/workspace.js';

/** The small network with learned embeddings of 16 positions, looked up by 0, 1, 2 …, perhaps held to the last. */
function positioned(clipped: boolean): Graph {
  const graph = smallNetwork({ logits: 'plain' });
  const length = Gather(Shape(graph.value('input_ids', 'int64')), graph.constant(1, 'int64'));
  const places = Range(graph.constant(0, 'int64'), length, graph.constant(1, 'int64'));
  const table = graph.initializer('positions', 'float32', [16, 8], new Float32Array(16 * 8));
  const at = clipped ? Min(places, graph.constant(15, 'int64')) : places;
  const influence = Mul(ReduceSum(Gather(table, at), { axes: [1], keepdims: true }), 0);
  graph.output(Add(graph.value('plain', 'float32'), influence), 'logits', ['batch', 'length', 32]);
  return graph;
}
const opened = (graph: Graph) => checkpointOfGraph(graph, { family: 'ar' }, 'small');

describe('a graph with tables of positions', () => {
  it.each(['ar.onnx', 'duo.onnx'])('of angles has as many as the tables have rows: %s', async (name) => {
    expect(tabledPositions((await openCheckpoint(fixture(name), {})).graph())).toBe(128);
  });

  it('of learned embeddings too, and takes that many tokens and no more', () => {
    const checkpoint = opened(positioned(false));
    expect(() => checkPositions(checkpoint, 17)).not.toThrow(); // the last token is only predicted
    expect(() => checkPositions(checkpoint, 18)).toThrow(
      expect.objectContaining({ code: 'length-past-model', exitCode: 3 }),
    );
  });

  it('that holds places to the last row has no end, as one without tables', () => {
    expect(tabledPositions(positioned(true))).toBeNull();
    expect(tabledPositions(smallNetwork())).toBeNull();
  });
});

const longest = { 'ar.onnx': 129, 'mdlm.onnx': 128 };
const commands = {
  sample: (model: string) => ['sample', '--model', model, '--samples', '1'],
  ppl: (model: string) => ['ppl', '--model', model, '--first', '1', '--quiet'],
};

describe.each(Object.entries(longest))('%s', (name, most) => {
  it.each(['sample', 'ppl'] as const)('is refused a million tokens by %s at once', async (command) => {
    const ran = await workspace().run([...commands[command](fixture(name)), '--length', '1000000']);
    expectFailure(ran, {
      exit: 3,
      says: /positions, of which there are 128/,
      hint: `--length ${most} or less`,
    });
  });

  it(`reads ${most} tokens per sequence`, async () => {
    const ran = await workspace().run([...commands.ppl(fixture(name)), '--length', `${most}`]);
    expect(ran).toMatchObject({ code: 0 });
  });
});

it('a judge whose card says too long a length is refused a context past its positions', async () => {
  const space = workspace();
  const judge = space.write('judge.onnx', readFileSync(fixture('ar.onnx')));
  const card = { family: 'ar', vocabSize: 1024, length: 100_000, tokenizer: fixture('bpe-1024') };
  space.write('judge.card.json', JSON.stringify(card));
  const ran = await space.run([
    ...['gen', '--model', fixture('mdlm.onnx'), '--judge', judge],
    ...['--context', '4000', '--samples', '1'],
  ]);
  expectFailure(ran, { exit: 3, says: /positions, of which there are 128/, hint: '--context' });
});
