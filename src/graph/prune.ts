/**
 * Removes what no output needs. The runtime does not: it computes every node of a graph, so a replaced vocabulary product or
 * an unused output would cost as much as before.
 */
import type { GraphProto, NodeProto } from './onnx.js';

/** Removes nodes and initializers that no output of the graph depends on. Inputs stay, so callers feed the same ones as before. */
export function prune(graph: GraphProto): void {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const needed = new Set<NodeProto>();
  const names = new Set<string>();
  const waiting = graph.output.map(({ name }) => name);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    const node = producers.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    waiting.push(...readNames(node));
  }
  graph.node = graph.node.filter((node) => needed.has(node));
  graph.initializer = graph.initializer.filter((tensor) => names.has(tensor.name));
}

/** The names that a node reads: its inputs, and all names read in its bodies of control flow. */
function readNames(node: NodeProto): string[] {
  const bodies = node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
  const inner = bodies.flatMap((body) => [
    ...body.node.flatMap(readNames),
    ...body.output.map(({ name }) => name),
  ]);
  return [...node.input, ...inner].filter((name) => name !== '');
}
