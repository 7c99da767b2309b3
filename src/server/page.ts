/**
 * The page at `/`: a dialogue with the model in which each text is seen to emerge, step by step, and tokens can be kept while the
 * others are written again. It asks the server that it came from and nobody else; what a model writes is text, never markup.
 */

import { isDiffusion, isInBlocks } from '../models/family.js';
import { html, scriptData } from '../printing/html/markup.js';
import { htmlPage } from '../printing/html/page.js';
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

const PAGE_STYLE = `
#turns { list-style: none; padding: 0; margin: 1rem 0; display: grid; gap: .8rem; }
#turns p { margin: 0 0 .2rem; color: var(--soft); font-size: .85rem; }
.said { border-left: 3px solid var(--series-1); padding: .2rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
#turns .sample { line-height: 1.8; font-size: .95rem; }
.token { font: inherit; color: inherit; background: none; border: 0; border-radius: .2rem; padding: .1em 0; margin: 0; white-space: pre-wrap; text-align: left; transition: background-color .2s; }
button.token { cursor: pointer; }
button.token:hover, button.token:focus { outline: 2px solid var(--series-0); }
.token.mask { color: var(--soft); opacity: .6; }
.token.now { background: var(--changed); }
.token.kept { font-weight: 700; border-bottom: 2px solid var(--series-0); border-radius: .2rem .2rem 0 0; }
#status { color: var(--soft); font-variant-numeric: tabular-nums; min-height: 1.5em; margin: .3rem 0; }
#status.wrong { color: var(--series-1); }
form label.wide { display: block; font-weight: 600; }
textarea { width: 100%; font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: .3rem; padding: .5rem .7rem; resize: vertical; }
form .note { margin: .1rem 0 .5rem; font-size: .85rem; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .6rem; }
.fields label { display: grid; gap: .2rem; font-size: .85rem; color: var(--soft); }
.fields input { font: inherit; font-size: 1rem; width: 100%; color: var(--ink); background: var(--raised); border: 1px solid var(--line); border-radius: .3rem; padding: .3rem .5rem; min-height: 2.4rem; }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin: .9rem 0; }
.buttons button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: .3rem; padding: .3rem .9rem; min-height: 2.5rem; cursor: pointer; }
.buttons #write { font-weight: 600; border-color: var(--series-0); }
.buttons button:disabled { opacity: .5; cursor: default; }
input:focus-visible, textarea:focus-visible, .buttons button:focus-visible { outline: 2px solid var(--series-0); outline-offset: 1px; }
@media (prefers-reduced-motion: reduce) { .token { transition: none; } }
@media print { form, #status, .legend, .note { display: none; } .token.now { background: none; } }
`;

/** What the page does in the browser. It knows the page's elements by their ids. */
const PAGE_SCRIPT = `
'use strict';
const facts = JSON.parse(document.getElementById('facts').textContent);
const byId = (id) => document.getElementById(id);
const [turns, status, form, prompt, write, again, stop, clear] = ['turns', 'status', 'form', 'prompt', 'write', 'again', 'stop', 'clear'].map(byId);

// ids: tokens of the dialogue, null where one is not written. first: where the last text begins. kept: positions of it that stay.
let ids = [], first = 0, kept = new Set(), spans = [], turn = null, running = null;

function say(text, wrong) {
  status.textContent = text;
  status.className = wrong ? 'wrong' : '';
}

function headers() {
  const token = facts.asksForToken ? byId('token').value.trim() : '';
  return { 'Content-Type': 'application/json', ...(token && { Authorization: 'Bearer ' + token }) };
}

async function ask(path, body, signal) {
  const answer = await fetch(path, { method: 'POST', headers: headers(), body: JSON.stringify(body), signal });
  if (answer.ok) return answer;
  const failure = await answer.json().catch(() => null);
  throw new Error(failure && failure.error ? failure.error.message : 'The server answered with status ' + answer.status + '.');
}

async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const parts = text.split('\\n\\n');
    text = parts.pop();
    for (const part of parts) yield JSON.parse(part.slice('data: '.length));
  }
}

function numberOf(id) {
  const { value } = byId(id);
  return value === '' ? undefined : Number(value);
}

function settings() {
  return { steps: numberOf('steps'), temperature: numberOf('temperature'), seed: numberOf('seed') };
}

function beginTurn(said) {
  const item = document.createElement('li');
  if (said !== null) {
    const own = document.createElement('div');
    own.className = 'said';
    own.textContent = said;
    const label = document.createElement('p');
    label.textContent = 'You';
    item.append(label, own);
  }
  const label = document.createElement('p');
  label.textContent = facts.model;
  const text = document.createElement('div');
  text.className = 'sample';
  text.setAttribute('role', 'group');
  text.setAttribute('aria-label', 'Text of ' + facts.model);
  item.append(label, text);
  settle();
  turns.append(item);
  turn = text;
}

// Tokens of earlier texts are text, and no buttons any more.
function settle() {
  if (turn) turn.replaceChildren(...spans.map((span) => document.createTextNode(span.dataset.open ? '' : span.textContent)));
  spans = [];
}

function show(length) {
  turn.replaceChildren();
  spans = [];
  for (let at = first; at < length; at++) {
    const span = document.createElement('button');
    span.type = 'button';
    span.className = 'token mask';
    span.textContent = '····';
    span.dataset.at = String(at);
    span.dataset.open = '1';
    span.tabIndex = at === first ? 0 : -1;
    nameOf(span, 'not written yet');
    span.setAttribute('aria-pressed', 'false');
    spans.push(span);
    turn.append(span, document.createElement('wbr'));
  }
}

function paint(changes) {
  for (const span of spans) span.classList.remove('now');
  for (const [at, token, piece] of changes) {
    ids[at] = token;
    const span = spans[at - first];
    if (!span) continue;
    span.textContent = token === null ? '····' : visible(piece) || '⟨' + token + '⟩';
    nameOf(span, token === null ? 'not written yet' : blank(span.textContent));
    span.classList.toggle('mask', token === null);
    if (token === null) span.dataset.open = '1'; else delete span.dataset.open;
    if (token !== null && !kept.has(at)) span.classList.add('now');
    if (kept.has(at)) span.classList.add('kept');
  }
}

// White space alone is no name for a button, and four dots are none either.
function nameOf(span, name) {
  if (name) span.setAttribute('aria-label', name);
  else span.removeAttribute('aria-label');
}

const blank = (text) => (text.trim() ? '' : [...text].map((c) => ({ ' ': 'space', '\\n': 'new line', '\\t': 'tab' })[c] || 'white space').join(', '));

const visible = (text) => text.replace(/[\\u0000-\\u0008\\u000b-\\u001f\\u007f]/g, (c) => String.fromCharCode(c === '\\u007f' ? 0x2421 : 0x2400 + c.charCodeAt(0)));

async function run(tokens) {
  const controller = new AbortController();
  running = controller;
  for (const button of [write, again]) button.disabled = true;
  stop.disabled = false;
  let calls = 0;
  try {
    ids = tokens.slice();
    const answer = await ask('/v1/denoise', { model: facts.model, tokens, ...settings() }, controller.signal);
    for await (const event of events(answer)) {
      if (event.error) throw new Error(event.error.message);
      if (event.start) {
        show(event.start.length);
        for (const at of kept) spans[at - first].setAttribute('aria-pressed', 'true');
        say('Seed ' + event.start.seed + ', sampler ' + event.start.sampler + '.');
      }
      if (event.changes) {
        paint(event.changes);
        const left = spans.filter((span) => span.dataset.open).length;
        say('Step ' + event.step + ': ' + event.changes.length + ' changed' + (left ? ', ' + left + ' to write.' : '.'));
      }
      if (event.done) {
        ids = event.done.tokens;
        calls = event.done.calls;
      }
    }
    for (const span of spans) span.classList.remove('now');
    say('Done, ' + calls + ' model calls.');
  } catch (error) {
    say(error.name === 'AbortError' ? 'Stopped.' : error.message, error.name !== 'AbortError');
  } finally {
    running = null;
    write.disabled = false;
    stop.disabled = true;
    again.disabled = spans.length === 0;
  }
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (running) return;
  const said = prompt.value;
  const count = numberOf('count') || 1;
  try {
    const body = { model: facts.model, prompt: said, add_special_tokens: ids.length === 0 };
    const { tokens } = await (await ask('/tokenize', body)).json();
    // What was stopped half-way ends where its first gap is.
    const gap = ids.indexOf(null);
    let before = [...(gap < 0 ? ids : ids.slice(0, gap)), ...tokens];
    const most = facts.exact || facts.most;
    if (most && count >= most) throw new Error('A text of this model has ' + most + ' tokens: ask for fewer.');
    if (most && before.length + count > most) before = before.slice(before.length + count - most);
    const room = facts.exact ? facts.exact - before.length : count;
    beginTurn(said);
    prompt.value = '';
    first = before.length;
    kept = new Set();
    await run([...before, ...Array(room).fill(null)]);
  } catch (error) {
    say(error.message, true);
  }
});

again.addEventListener('click', () => {
  if (!running) run(ids.map((token, at) => (at < first || kept.has(at) ? token : null)));
});
stop.addEventListener('click', () => running && running.abort());
clear.addEventListener('click', () => {
  if (running) running.abort();
  turns.replaceChildren();
  [ids, first, kept, spans, turn] = [[], 0, new Set(), [], null];
  again.disabled = true;
  say('Nothing written yet.');
  prompt.focus();
});
prompt.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

function keep(span) {
  const at = Number(span.dataset.at);
  if (running || ids[at] === null || ids[at] === undefined) return;
  const now = !kept.has(at);
  if (facts.inOrder) {
    // From left to right: all up to this one, or what is before it.
    kept = new Set();
    for (let l = first; l < (now ? at + 1 : at); l++) kept.add(l);
  } else if (now) kept.add(at);
  else kept.delete(at);
  for (const one of spans) {
    const isKept = kept.has(Number(one.dataset.at));
    one.classList.toggle('kept', isKept);
    one.setAttribute('aria-pressed', String(isKept));
  }
  say(kept.size + ' of ' + spans.length + ' tokens are kept.');
}

turns.addEventListener('click', (event) => {
  if (event.target.dataset && event.target.dataset.at && spans.includes(event.target)) keep(event.target);
});
turns.addEventListener('keydown', (event) => {
  const at = spans.indexOf(event.target);
  if (at < 0) return;
  const moves = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: spans.length - 1 };
  const to = spans[moves[event.key]];
  if (!(event.key in moves) || !to) return;
  event.preventDefault();
  spans[at].tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
});
prompt.focus();
`;
