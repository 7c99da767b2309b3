/**
 * A page that plays how samples were made: a token is highlighted in the step that changes it, and underlined once it has been
 * changed more than once, so a sampler's corrections can be seen. The page refers to nothing outside itself. What a model
 * wrote is text, never markup: it goes through JSON and `textContent` only.
 */
import { html, scriptData } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { TRACE_SCRIPT, TRACE_STYLE } from './trace-script.js';

export interface TracedSample {
  sample: number;
  /** Token ids before the first step. */
  prior: Int32Array;
  /** The changes of each step: positions, and their tokens after it. */
  steps: readonly { at: Int32Array; tokens: Int32Array }[];
}

export interface TracePage {
  title: string;
  lead: string;
  samples: readonly TracedSample[];
  /** 1 where a token was given, [length]. */
  given: Uint8Array | null;
  maskTokenId: number | null;
  /** The text of one token; '' if the tokenizer has none. */
  textOf(id: number): string;
  /** Shown below the player, e.g. that not all samples are shown. */
  note?: string;
}

export function tracePage(page: TracePage): string {
  const { samples, given } = page;
  const pieces = new Pieces(page);
  const data = {
    given: given ? Array.from(given) : null,
    samples: samples.map(({ sample, prior, steps }) => ({
      sample,
      prior: Array.from(prior, (id) => pieces.indexOf(id)),
      steps: steps.map(({ at, tokens }) => [Array.from(at), Array.from(tokens, (id) => pieces.indexOf(id))]),
    })),
    mask: page.maskTokenId === null ? -1 : pieces.indexOf(page.maskTokenId),
    pieces: pieces.texts,
  };
  const options = samples.map(({ sample }, i) => html`<option value="${i}">sample ${sample}</option>`);
  return htmlPage({
    title: page.title,
    lead: page.lead,
    style: TRACE_STYLE,
    script: TRACE_SCRIPT,
    body: html`<div class="controls">
<button id="play" type="button">Play</button>
<button id="back" type="button" aria-label="One step back">‹</button>
<button id="forward" type="button" aria-label="One step forward">›</button>
<input id="step" type="range" min="0" value="0" aria-label="Step">
<label>Speed <select id="speed"><option value="1200">slow</option><option value="500" selected>normal</option><option value="120">fast</option></select></label>
<label${samples.length < 2 ? html` hidden` : null}>Show <select id="sample">${options}</select></label>
</div>
<p id="status" role="status"></p>
<figure class="bars"><svg id="bars" role="img" aria-label="Tokens changed in each step" preserveAspectRatio="none"></svg>
<figcaption>Tokens changed in each step; red: tokens that were changed before. Click a bar to go to its step.</figcaption></figure>
<ul class="legend keys"><li><span class="token now">changed now</span></li><li><span class="token now again">changed again now</span></li>
<li><span class="token times-2">changed more than once</span></li>${given ? html`<li><span class="token given">given</span></li>` : null}${
      page.maskTokenId === null ? null : html`<li><span class="token mask">····</span> mask</li>`
    }</ul>
<div class="sample" id="text"></div>
<p class="note" id="history">Point at a token, or move to it with the Tab key, to see its history.</p>
${page.note === undefined ? null : html`<p class="note">${page.note}</p>`}
<noscript>The player needs JavaScript.</noscript>
${scriptData('trace', data)}`,
  });
}

/** Token ids as indices into a list of the texts that occur. */
class Pieces {
  readonly texts: string[] = [];
  private readonly places = new Map<number, number>();

  constructor(private readonly page: Pick<TracePage, 'textOf' | 'maskTokenId'>) {}

  indexOf(id: number): number {
    const known = this.places.get(id);
    if (known !== undefined) return known;
    this.places.set(id, this.texts.length);
    this.texts.push(id === this.page.maskTokenId ? '····' : visible(this.page.textOf(id)) || `⟨${id}⟩`);
    return this.texts.length - 1;
  }
}

/** Control characters as Unicode's pictures of them, except newline and tab. */
function visible(text: string): string {
  return Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    if (code === 0x7f) return '␡';
    return code < 0x20 && character !== '\n' && character !== '\t'
      ? String.fromCharCode(0x2400 + code)
      : character;
  }).join('');
}
