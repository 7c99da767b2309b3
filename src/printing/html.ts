/**
 * Results as one self-contained page: the tables of the other printers, whole, and for generated text the plots that a table
 * cannot replace. A report over several files is report/page.ts.
 */

import { frontierColumns, labelOf } from '../evals/frontier/columns.js';
import { generativeColumns } from '../evals/generation/columns.js';
import { againstText, benchColumns } from '../evals/throughput/columns.js';
import type { BenchResult, FrontierResult } from '../evals/throughput/record.js';
import { apartTexts } from '../records/distinctions.js';
import { type Result, type ResultsFile, resultsOf } from '../records/record.js';
import { type ColumnSet, perplexityColumns } from './columns.js';
import { type Heading, htmlTable } from './html/html-table.js';
import { html, type Markup } from './html/markup.js';
import { htmlPage } from './html/page.js';
import { PLOT_SCRIPT, type PlotPoint, scatterPlot } from './html/scatter-plot.js';
import { COMPARISON_TITLE, datasetOf, markOf, notesOf } from './notes.js';
import { intervalOf, meanCount, plain, valueWithError } from './numbers.js';

export function formatHtml(file: ResultsFile): string {
  const ppl = resultsOf(file, 'ppl');
  const bench = resultsOf(file, 'bench');
  const frontier = resultsOf(file, 'frontier');
  const gen = resultsOf(file, 'gen');
  const notes = notesOf(file);
  return htmlPage({
    title: titleOf(file),
    lead: '± is a standard error and brackets are 95% intervals; figures of a whole set of texts (distinct-n, compression) and costs have neither.',
    body: html`${resultTable('Perplexity', ppl, perplexityColumns(ppl))}
${comparisonTable(file)}
${bench.some(isJudged) ? html`<h2>Speed and quality</h2>${benchPlot(bench)}` : null}
${resultTable('Configurations', bench, benchColumns(bench))}
${frontier.length > 0 ? html`<h2>Quality at one entropy</h2>${frontierPlot(frontier)}<h2>Sweeps of the temperature</h2>${sweepPlot(frontier)}` : null}
${resultTable('At one entropy', frontier, frontierColumns(frontier))}
${resultTable('Generated text', gen, generativeColumns(gen))}
${notes.length > 0 ? html`<ul class="note">${notes.map((note) => html`<li>${note}</li>`)}</ul>` : null}
${environments(file)}`,
    script: PLOT_SCRIPT,
  });
}

function titleOf({ results }: ResultsFile): string {
  const kinds = new Set(results.map((result) => result.eval));
  if (kinds.has('bench')) return 'How fast models generate, and how well';
  if (kinds.has('frontier')) return 'Generative perplexity at one entropy';
  return kinds.has('gen') ? 'Generative quality' : 'Zero-shot perplexity';
}

function resultTable<R extends Result>(
  title: string,
  results: readonly R[],
  { essential, further }: ColumnSet<R>,
): Markup | null {
  if (results.length === 0) return null;
  const columns = [...essential, ...further];
  return html`<h2>${title}</h2>
${htmlTable(
  columns.map((column): Heading => [column.title, column.align]),
  results.map((result) => columns.map((column) => column.cell(result))),
)}`;
}

function comparisonTable({ comparisons }: ResultsFile): Markup | null {
  if (comparisons.length === 0) return null;
  const head: Heading[] = [
    ['', 'left'],
    ['models', 'left'],
    ['dataset', 'left'],
    ['difference', 'right'],
    ['95% interval', 'right'],
  ];
  const rows = comparisons.map((row) => [
    markOf(row),
    `${row.a} − ${row.b}`,
    datasetOf(row),
    valueWithError({ value: row.deltaNll, stderr: row.stderr }),
    intervalOf(row),
  ]);
  return html`<h2>${COMPARISON_TITLE}</h2>
${htmlTable(head, rows)}`;
}

/** Where it ran: one line where all results ran alike. */
function environments({ results }: ResultsFile): Markup | null {
  const lines = results.map(({ environment: { tool, node, onnxruntime, provider, threads, cpu } }) =>
    [
      tool,
      `Node ${node}`,
      `onnxruntime ${onnxruntime}`,
      threads === null ? provider : `${provider}, ${threads} threads`,
      cpu,
    ]
      .filter((part) => part !== null)
      .join(' · '),
  );
  return html`<p class="note">${[...new Set(lines)].map((line) => html`${line}<br>`)}</p>`;
}

const isJudged = ({ metrics }: BenchResult) => metrics.genPpl.value !== null;

const THROUGHPUT = { title: 'tokens a second', scale: 'log' } as const;
const PERPLEXITY = { title: 'generative perplexity', scale: 'log' } as const;
const RIGHT_AND_DOWN = 'Right and down is better. Bars are 95% intervals.';

function benchPlot(results: readonly BenchResult[]): Markup {
  const points = results.filter(isJudged).map(
    ({ model, samples, metrics, throughput }): PlotPoint => ({
      x: throughput.tokensPerSecond.value,
      xInterval: throughput.tokensPerSecond.ci95,
      y: metrics.genPpl.value!,
      yInterval: metrics.genPpl.ci95,
      series: `${model.name}, ${samples.sampler?.name ?? '?'}${throughput.cached === false ? ' (uncached)' : ''}`,
      label: stepsOf(samples.sampler),
      details: [
        ['tokens/s', plain(throughput.tokensPerSecond.value)],
        ['gen. perplexity', valueWithError(metrics.genPpl)],
        ['entropy, nats', valueWithError(metrics.entropy)],
        ['NFE', meanCount(samples.nfe)],
        ['× ar', plain(throughput.speedUpOverAr)],
        ['× masked', plain(throughput.speedUpOverMasked)],
        ['× against', againstText(throughput)],
      ],
      onFront: throughput.pareto === true,
    }),
  );
  return scatterPlot({ x: THROUGHPUT, y: PERPLEXITY, points, caption: RIGHT_AND_DOWN });
}

function frontierPlot(results: readonly FrontierResult[]): Markup {
  const points = results.map(
    ({ model, sampler, metrics, tokensPerSecond, temperature, nfe, pareto }): PlotPoint => ({
      x: tokensPerSecond ?? Number.NaN,
      xInterval: null,
      y: metrics.genPpl.value ?? Number.NaN,
      yInterval: metrics.genPpl.ci95,
      series: `${model.name}, ${sampler.name}`,
      label: stepsOf(sampler),
      details: [
        ['gen. perplexity', valueWithError(metrics.genPpl)],
        ['at temperature', plain(temperature)],
        ['tokens/s', plain(tokensPerSecond)],
        ['NFE', meanCount(nfe)],
      ],
      onFront: pareto === true,
    }),
  );
  return scatterPlot({ x: THROUGHPUT, y: PERPLEXITY, points, caption: RIGHT_AND_DOWN });
}

/** The sweeps behind the interpolation, and the entropy that it is taken at. */
function sweepPlot(results: readonly FrontierResult[]): Markup {
  const names = namesOf(results);
  const points = results.flatMap(({ points: sweep }, i) =>
    sweep.map(
      ({ temperature, genPpl, entropy }): PlotPoint => ({
        x: entropy.value ?? Number.NaN,
        xInterval: entropy.ci95,
        y: genPpl.value ?? Number.NaN,
        yInterval: genPpl.ci95,
        series: names[i],
        label: `${temperature}`,
        details: [
          ['temperature', `${temperature}`],
          ['entropy, nats', valueWithError(entropy)],
          ['gen. perplexity', valueWithError(genPpl)],
        ],
        onFront: false,
      }),
    ),
  );
  const [{ target }] = results;
  const isShared = results.every((one) => one.target.entropy === target.entropy);
  return scatterPlot({
    x: { title: 'unigram entropy, nats', scale: 'linear' },
    y: PERPLEXITY,
    points,
    caption: 'A mark a temperature. At the same entropy, lower is better. Bars are 95% intervals.',
    joined: true,
    ...(isShared && { at: { x: target.entropy, label: target.dataset ?? 'compared here' } }),
  });
}

/** A sweep each, so that no two are joined. */
function namesOf(results: readonly FrontierResult[]): string[] {
  const apart = apartTexts(results, labelOf);
  return results.map((result, i) => [labelOf(result), apart[i]].filter(Boolean).join(', '));
}

function stepsOf(sampler: { steps: number } | null): string {
  if (!sampler) return '';
  return sampler.steps === 1 ? '1 step' : `${sampler.steps} steps`;
}
