/** The plot of exact likelihoods under policies: perplexity against model calls. */
import type { PlotPoint } from '../../printing/html/scatter-plot.js';
import { meanCount, valueWithError } from '../../printing/numbers.js';
import type { TitledPlot } from '../../records/evaluation.js';
import { paretoFront } from '../../statistics/pareto-front.js';
import { policyText } from './exact-likelihood.js';
import type { PerplexityResult } from './record.js';

/** Model calls per sequence of rows with a policy; null for others, whose calls do not make their quality. */
export function callsPerSequence({ protocol, cost }: PerplexityResult): number | null {
  return protocol.policy === undefined ? null : cost.modelCalls / cost.sequences;
}

/** One per data set that has at least two rows with a policy. */
export function policyPlots(results: readonly PerplexityResult[]): TitledPlot[] {
  const drawn = results
    .filter((result) => callsPerSequence(result) !== null)
    .sort((a, b) => (callsPerSequence(a) ?? 0) - (callsPerSequence(b) ?? 0));
  return [...new Set(drawn.map(({ dataset }) => dataset.name))].flatMap((name) => {
    const rows = drawn.filter(({ dataset }) => dataset.name === name);
    return rows.length < 2 ? [] : [plotOf(name, rows)];
  });
}

function plotOf(name: string, rows: readonly PerplexityResult[]): TitledPlot {
  const calls = rows.map((row) => callsPerSequence(row) ?? Number.NaN);
  const front = paretoFront(
    rows.map(({ metrics }, i) => ({ speed: 1 / calls[i], perplexity: metrics.ppl.value })),
  );
  const points = rows.map(
    ({ model, protocol, metrics }, i): PlotPoint => ({
      x: calls[i],
      xInterval: null,
      y: metrics.ppl.value ?? Number.NaN,
      yInterval: metrics.ppl.ci95 ?? null,
      // What a line keeps: all but how many tokens a call reveals.
      series: `${model.name}, ${policyText({ ...protocol, tokensPerCall: undefined })}`,
      label: `${protocol.tokensPerCall}`,
      details: [
        ['tokens per call', `${protocol.tokensPerCall}`],
        ['NFE', meanCount(calls[i])],
        ['perplexity', valueWithError({ value: metrics.ppl.value, stderr: metrics.ppl.stderr ?? null })],
      ],
      onFront: front[i],
    }),
  );
  return {
    title: `Likelihood and model calls, ${name}`,
    plot: {
      x: { title: 'model calls per sequence', scale: 'log' },
      y: { title: 'perplexity, exact', scale: 'log' },
      points,
      caption:
        'Marks are labelled with the tokens that a call reveals. Left and down is better. Bars are 95% intervals over text.',
      joined: true,
    },
  };
}
