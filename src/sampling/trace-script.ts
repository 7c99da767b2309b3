/** What makes a trace's page play, as it stands in the page. It knows the page's elements by their ids. */
export const TRACE_STYLE = `
.controls { display: flex; flex-wrap: wrap; gap: .5rem .8rem; align-items: center; margin: 1rem 0 .3rem; }
.controls button, .controls select { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: .3rem; padding: .25rem .7rem; min-height: 2.2rem; }
.controls #play { min-width: 5rem; font-weight: 600; }
.controls input[type=range] { flex: 1 1 14rem; min-width: 10rem; accent-color: var(--series-0); }
#status { margin: .2rem 0; font-variant-numeric: tabular-nums; color: var(--soft); }
.bars svg { height: 3.5rem; background: var(--raised); border-radius: .3rem; }
.bars rect { fill: var(--series-0); opacity: .55; } .bars rect.again { fill: var(--series-1); opacity: 1; }
.bars rect.here { opacity: 1; } .bars rect.hit { fill: transparent; opacity: 1; cursor: pointer; }
.bars .cursor { fill: none; stroke: var(--ink); stroke-width: 1; vector-effect: non-scaling-stroke; }
#text { font-size: .95rem; line-height: 1.75; min-height: 8rem; }
.token { border-radius: .2rem; padding: .1em 0; transition: background-color .15s; }
.token:hover, .token:focus { outline: 2px solid var(--series-0); }
.token.mask { color: var(--soft); opacity: .55; }
.token.now { background: var(--changed); }
.token.now.again { background: var(--series-1); color: var(--paper); }
.token.times-2 { border-bottom: 2px solid var(--series-1); }
.token.given { font-weight: 700; }
@media (prefers-reduced-motion: reduce) { .token { transition: none; } }
@media print { .controls, .bars, #history { display: none; } }
`;

export const TRACE_SCRIPT = `
'use strict';
const data = JSON.parse(document.getElementById('trace').textContent);
const byId = (id) => document.getElementById(id);
const [play, slider, text, status, bars, history] = ['play', 'step', 'text', 'status', 'bars', 'history'].map(byId);
let sample, spans, timer = null, shown = 0;

// states[i]: token of each position after step i; times[i]: how often each was changed, masks not counted as text.
function unfold({ prior, steps }) {
  const states = [prior.slice()], times = [prior.map(() => 0)], changed = [new Set()], again = [new Set()];
  for (const [at, tokens] of steps) {
    const state = states[states.length - 1].slice(), time = times[times.length - 1].slice();
    const second = new Set();
    at.forEach((l, i) => {
      if (time[l] > 0) second.add(l);
      if (tokens[i] !== data.mask || time[l] > 0) time[l]++;
      state[l] = tokens[i];
    });
    states.push(state); times.push(time); changed.push(new Set(at)); again.push(second);
  }
  return { states, times, changed, again };
}

function choose(i) {
  sample = unfold(data.samples[i]);
  slider.max = String(sample.states.length - 1);
  text.replaceChildren();
  spans = sample.states[0].map((_, l) => {
    const span = document.createElement('span');
    span.dataset.position = String(l);
    span.tabIndex = 0;
    text.append(span);
    return span;
  });
  drawBars();
  show(0);
}

function show(step) {
  shown = Math.max(0, Math.min(step, sample.states.length - 1));
  slider.value = String(shown);
  const { states, times, changed, again } = sample;
  const finished = shown === states.length - 1;
  spans.forEach((span, l) => {
    const piece = data.pieces[states[shown][l]];
    if (span.textContent !== piece) span.textContent = piece;
    const classes = ['token'];
    if (data.given && data.given[l]) classes.push('given');
    if (states[shown][l] === data.mask) classes.push('mask');
    if (times[shown][l] > 1) classes.push('times-2');
    if (changed[shown].has(l)) classes.push('now');
    if (again[shown].has(l)) classes.push('again');
    span.className = classes.join(' ');
  });
  const masks = data.mask < 0 ? '' : ', ' + states[shown].filter((token) => token === data.mask).length + ' masked';
  const corrected = again[shown].size > 0 ? ' (' + again[shown].size + ' not for the first time)' : '';
  status.textContent = 'Step ' + shown + ' of ' + (states.length - 1) + ': ' +
    (shown === 0 ? 'noise' : changed[shown].size + ' changed' + corrected) + masks + (finished ? '. Done.' : '');
  for (const rect of bars.querySelectorAll('rect.bar')) rect.classList.toggle('here', Number(rect.dataset.step) === shown);
  const cursor = bars.querySelector('.cursor');
  if (cursor) cursor.setAttribute('x', String(shown));
}

function drawBars() {
  const steps = sample.states.length;
  const most = Math.max(1, ...sample.changed.map((set) => set.size));
  bars.setAttribute('viewBox', '0 0 ' + steps + ' ' + most);
  bars.replaceChildren();
  const rect = (x, y, width, height, name, step) => {
    const one = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    for (const [key, value] of Object.entries({ x, y, width, height })) one.setAttribute(key, String(value));
    one.setAttribute('class', name);
    one.dataset.step = String(step);
    bars.append(one);
    return one;
  };
  for (let i = 0; i < steps; i++) {
    const [all, second] = [sample.changed[i].size, sample.again[i].size];
    rect(i + 0.1, most - all, 0.8, all, 'bar', i);
    if (second > 0) rect(i + 0.1, most - second, 0.8, second, 'bar again', i);
    rect(i, 0, 1, most, 'hit', i).addEventListener('click', () => { pause(); show(i); });
  }
  rect(0, 0, 1, most, 'cursor', -1).style.pointerEvents = 'none';
}

function pause() {
  clearInterval(timer);
  timer = null;
  play.textContent = 'Play';
}

function start() {
  if (shown === sample.states.length - 1) show(0);
  play.textContent = 'Pause';
  timer = setInterval(() => {
    show(shown + 1);
    if (shown === sample.states.length - 1) pause();
  }, Number(byId('speed').value));
}

function tell(span) {
  const l = Number(span.dataset.position);
  const parts = [];
  sample.states.forEach((state, i) => {
    if (i === 0 || sample.changed[i].has(l)) parts.push((i === 0 ? 'at first ' : 'step ' + i + ': ') + JSON.stringify(data.pieces[state[l]]));
  });
  history.textContent = 'Position ' + l + ': ' + parts.join(', ') + '.';
}

play.addEventListener('click', () => (timer === null ? start() : pause()));
byId('back').addEventListener('click', () => { pause(); show(shown - 1); });
byId('forward').addEventListener('click', () => { pause(); show(shown + 1); });
slider.addEventListener('input', () => { pause(); show(Number(slider.value)); });
byId('speed').addEventListener('change', () => { if (timer !== null) { pause(); start(); } });
byId('sample').addEventListener('change', (event) => { pause(); choose(Number(event.target.value)); });
for (const kind of ['mouseover', 'focusin'])
  text.addEventListener(kind, (event) => { if (event.target.dataset.position) tell(event.target); });
choose(0);
if (!matchMedia('(prefers-reduced-motion: reduce)').matches) start();
`;
