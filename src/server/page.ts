/**
 * The page at `/`: a dialogue with the model in which each text is seen to emerge, step by step, and tokens can be kept while the
 * others are written again. It asks the server that it came from and nobody else; what a model writes is text, never markup.
 */

import { isDiffusion, isInBlocks } from '../models/family.js';
import { html, scriptData } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
import { PAGE_SCRIPT, PAGE_STYLE } from './page-script.js';
import type { ServedModel } from './served-model.js';

export function servedPage(model: ServedModel, asksForToken: boolean): string {
  const { checkpoint, name, drawnLength } = model;
  const { family } = checkpoint;
  const inOrder = !isDiffusion(family) || isInBlocks(family);
  const facts = {
    model: name,
    most: drawnLength,
    exact: isDiffusion(family) ? checkpoint.signature.fixedLength : null,
    asksForToken,
    inOrder,
  };
  const room = drawnLength === null ? 48 : Math.max(1, Math.min(48, drawnLength - 8));
  const keeping = inOrder
    ? 'This model writes from left to right: tokens can be kept at the beginning of its text.'
    : 'Choose tokens of the last text to keep them, then let the others be written again.';
  return htmlPage({
    title: `Writing with ${name}`,
    lead: `A model of the family ${family}${drawnLength === null ? '' : `, ${drawnLength} tokens at most`}. It goes on from what you write; you see its text emerge from noise.`,
    style: PAGE_STYLE,
    script: PAGE_SCRIPT,
    asks: true,
    body: html`<ol id="turns" aria-label="Texts so far"></ol>
<p id="status" role="status">Nothing written yet.</p>
<form id="form">
<label class="wide" for="prompt">Your text</label>
<textarea id="prompt" rows="3" placeholder="My fellow citizens" aria-describedby="keys"></textarea>
<p class="note" id="keys">Ctrl-Enter writes.</p>
<div class="fields">
<label>Tokens to write <input id="count" type="number" min="1" max="${drawnLength ?? 4096}" value="${room}"></label>
<label>Steps <input id="steps" type="number" min="1" max="1000" placeholder="auto"${isDiffusion(family) ? null : html` disabled`}></label>
<label>Temperature <input id="temperature" type="number" min="0" max="100" step="any" value="1"></label>
<label>Seed <input id="seed" type="number" min="0" step="1" placeholder="drawn"></label>
${asksForToken ? html`<label>Token <input id="token" type="password" autocomplete="off"></label>` : null}
</div>
<div class="buttons">
<button id="write" type="submit">Write</button>
<button id="again" type="button" disabled>Write the others again</button>
<button id="stop" type="button" disabled>Stop</button>
<button id="clear" type="button">Begin anew</button>
</div>
</form>
<p class="note">${keeping} Arrow keys move between tokens, Enter keeps one.</p>
<ul class="legend keys"><li><span class="token now">changed now</span></li><li><span class="token kept">kept</span></li><li><span class="token mask">····</span> not written yet</li></ul>
<noscript>The page needs JavaScript.</noscript>
${scriptData('facts', facts)}`,
  });
}
