/**
 * A script, started by provider.ts: runs one matrix product on the provider named by its argument and prints the seconds
 * of the second run, or the reason of the failure, as a line of JSON.
 */
import './no-telemetry.js';
import { Graph } from '../graph/graph.js';
import { MatMul } from '../graph/operators.js';
import { defaultThreads, type Placement } from './provider.js';
import { sessionOptions } from './session-options.js';

const SIZE = 512;

const print = (answer: object) => process.stdout.write(`\n${JSON.stringify(answer)}\n`);
try {
  const ort = (await import('onnxruntime-node')).default;
  ort.env.logLevel = 'fatal';
  const graph = Graph.create('probe');
  const x = graph.input('x', 'float32', [SIZE, SIZE]);
  graph.output(MatMul(x, x), 'y', [SIZE, SIZE]);
  const provider = process.argv[2] as Placement;
  const session = await ort.InferenceSession.create(
    graph.toBytes(),
    sessionOptions({ folder: '', provider, threads: defaultThreads(), memoryPattern: false }),
  );
  const feeds = { x: new ort.Tensor('float32', new Float32Array(SIZE * SIZE).fill(1), [SIZE, SIZE]) };
  const first = (await session.run(feeds)).y.data as Float32Array;
  if (!first.every((value) => value === SIZE)) throw new Error('a matrix product came out wrong');
  const start = performance.now();
  await session.run(feeds);
  print({ seconds: (performance.now() - start) / 1000 });
} catch (error) {
  print({ message: (error as Error).message });
}
