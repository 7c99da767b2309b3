/** About src/commands/ppl.ts */
import { beforeAll, it } from 'vitest';
import { Graph } from '../../src/graph/graph.js';
import { Add, Cast, Gather, Identity, Mul } from '../../src/graph/operators.js';
import { patient } from '../support/patience.js';
import { finished, startDuoEval } from '../support/run.js';
import { type Workspace, workspace } from '../support/workspace.js';
import { expectFailure } from './failure.js';
import { byteTokens, smallCard } from './small-models.js';

let space: Workspace;
beforeAll(() => {
  space = workspace();
  space.write('text.txt', 'All happy families are alike. '.repeat(20));
  space.write('endless.onnx', endless().toBytes());
  space.write('endless.card.json', JSON.stringify(smallCard()));
});

/** Logits that wait for a `Loop` whose condition is always true. */
function endless(): Graph {
  const graph = Graph.create('endless');
  const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
  const body = graph.body('body');
  body.input('iteration', 'int64', []);
  const goOn = body.input('go_on', 'bool', []);
  const sum = body.input('sum', 'float32', []);
  body.output(Identity(goOn), 'go_on_next');
  body.output(Add(sum, 1), 'sum_next');
  const always = graph.initializer('always', 'bool', [], [1]);
  const first = Cast(Gather(Gather(ids, 0), 0), { to: 'float32' });
  const [y] = graph.node('Loop', [null, always, first], { outputs: ['float32'], attributes: { body } });
  const table = graph.initializer(
    'table',
    'float32',
    [byteTokens, byteTokens],
    new Float32Array(byteTokens ** 2),
  );
  graph.output(Add(Gather(table, ids), Mul(y, 0)), 'logits', ['batch', 'length', byteTokens]);
  return graph;
}

const ppl = ['ppl', '--model', 'endless.onnx', '--dataset', 'text.txt'];

it('after --timeout, with a sentence', async () => {
  expectFailure(await space.run([...ppl, '--timeout', '1']), {
    exit: 3,
    says: 'no answer from the runtime in 1 s',
    hint: 'Allow more time',
  });
});

it('a few seconds after Ctrl-C, with a sentence', async () => {
  const child = startDuoEval(ppl, { folder: space.folder });
  setTimeout(() => child.kill('SIGINT'), patient(2000));
  expectFailure(await finished(child), { exit: 130, says: 'Interrupted.' });
});
