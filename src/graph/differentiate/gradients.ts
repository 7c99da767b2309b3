/**
 * Reverse-mode differentiation: appends to a graph the gradients of a scalar at any of its tensors.
 *
 * Nodes are visited from the last to the first; the rule of each operator (rules/) turns the gradients at its outputs into
 * terms of the gradients at its inputs. Only nodes between the requested tensors and the loss are visited. The result is
 * ordinary nodes of the same graph, so a training step is one graph.
 *
 * The runtime computes every node of a graph, so `prune` it after declaring its outputs.
 */
import { ModelError } from '../../errors.js';
import type { Graph, Value } from '../graph.js';
import { type Contribution, totalOf, whole } from './contributions.js';
import { inferFacts } from './facts.js';
import { NodeReader } from './node-reader.js';
import { noRule, type Site } from './rule.js';
import { gradientRules } from './rules/index.js';
import { type Axis, constantLike, expand, type Fact, type Shaped } from './shaped.js';

/**
 * @param loss a scalar (a tensor without axes)   @param of tensors of the same graph: weights, inputs, or intermediate values
 * @returns one gradient for each, of its shape and type; zeros where the loss does not depend on it
 * @throws ModelError `no-gradient-rule`, `shape-not-known`, `axis-not-fixed`, `loss-not-scalar`
 */
export function gradients(loss: Value, of: readonly Value[]): Value[] {
  const { graph } = loss;
  return graph.scope('gradient', () => {
    const pass = new ReversePass(graph, of);
    pass.start(loss);
    for (const proto of graph.proto.node.slice(0, pass.nodes).reverse()) pass.through(new NodeReader(proto));
    return of.map(({ name }) => pass.fullGradient(name));
  });
}

class ReversePass {
  /** Number of nodes before the first gradient node. */
  readonly nodes: number;
  private readonly facts: Map<string, Fact>;
  /** Floating-point tensors that depend on the requested ones. */
  private readonly dependent: Set<string>;
  private readonly terms = new Map<string, Contribution[]>();
  private readonly totals = new Map<string, Shaped>();

  constructor(
    private readonly graph: Graph,
    of: readonly Value[],
  ) {
    this.nodes = graph.proto.node.length;
    this.facts = inferFacts(graph);
    this.dependent = new Set(of.map(({ name }) => name));
    for (const { input, output } of graph.proto.node) {
      if (!input.some((name) => this.dependent.has(name))) continue;
      for (const name of output) {
        if (/^(u?int|bool)/.test(this.facts.get(name)?.dtype ?? '')) continue;
        this.dependent.add(name);
      }
    }
  }

  start(loss: Value): void {
    const tensor = this.tensor(loss.name);
    if (tensor.shape.length > 0) {
      throw new ModelError({
        code: 'loss-not-scalar',
        message: `Gradients are of one number; "${loss.name}" has the shape [${tensor.shape}].`,
        hint: 'Sum it first, with keepdims false.',
      });
    }
    this.terms.set(loss.name, [whole(constantLike(tensor, 1))]);
  }

  through(node: NodeReader): void {
    const { input, output } = node.proto;
    if (!output.some((tensor) => this.terms.has(tensor))) return;
    if (!input.some((tensor) => this.dependent.has(tensor))) return;
    const rule = gradientRules[node.operator];
    if (!rule) throw noRule(node);
    const site: Site = {
      node,
      inputs: input.map((tensor) => (tensor === '' ? null : this.tensor(tensor)) as Shaped),
      outputs: output.map((tensor) => this.tensor(tensor)),
      gradient: (i = 0) => this.gradient(output[i]),
      fullGradient: (i = 0) => this.fullGradient(output[i]),
      reaches: (i) => this.terms.has(output[i]),
      integers: (i) => numbersOnly(this.facts.get(input[i])?.ints),
      wanted: (i) => this.dependent.has(input[i]),
    };
    for (const [i, terms] of rule(site).entries()) {
      if (!terms || !site.wanted(i)) continue;
      this.terms.set(input[i], (this.terms.get(input[i]) ?? []).concat(terms));
    }
  }

  fullGradient(name: string): Shaped {
    return expand(this.gradient(name), this.tensor(name));
  }

  private gradient(name: string): Shaped {
    let total = this.totals.get(name);
    if (!total) {
      const tensor = this.tensor(name);
      const terms = this.terms.get(name);
      total = terms ? totalOf(tensor, terms) : constantLike(tensor, 0);
      this.totals.set(name, total);
    }
    return total;
  }

  private tensor(name: string): Shaped {
    const fact = this.facts.get(name);
    if (fact) return { graph: this.graph, name, dtype: fact.dtype, shape: fact.shape };
    throw new ModelError({
      code: 'shape-not-known',
      message: `The shape of "${name}" is not known before the graph runs: ${this.originOfUnknown(name)}.`,
      hint: 'Give the operator a rule in graph/differentiate/fact-rules.ts.',
    });
  }

  /** The first node before a tensor whose output has no known facts. */
  private originOfUnknown(name: string): string {
    const producer = this.graph.proto.node.find(({ output }) => output.includes(name));
    if (!producer) return 'no node makes it, and no input declares it';
    const unknown = producer.input.find((input) => input !== '' && !this.facts.has(input));
    if (unknown !== undefined) return this.originOfUnknown(unknown);
    return `the node "${producer.name}" (${producer.opType}) does not tell it`;
  }
}

function numbersOnly(ints: readonly Axis[] | undefined): number[] | null {
  const numbers = ints?.filter((value) => typeof value === 'number') ?? [];
  return ints && numbers.length === ints.length ? numbers : null;
}
