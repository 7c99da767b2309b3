// Draws the pictures of the pages (docs/images/) from real output of the built command, in headless chromium:
// `npm run build && node scripts/draw-images.mjs`. CHROMIUM_PATH names a chromium that is not in its usual place.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const images = join(root, 'docs/images');
const executablePath = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
);
const folder = mkdtempSync(join(tmpdir(), 'duo-eval-images-'));
const fixture = (name) => join(root, 'fixtures', `${name}.onnx`);
const models = (...names) => names.flatMap((name) => ['--model', `${name}=${fixture(name)}`]);

function duoEval(...args) {
  execFileSync(process.execPath, [join(root, 'bin/run.js'), ...args, '--quiet'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** A page in a window so wide, brought into a state, and cut at a height. */
async function shoot(browser, page, name, { width, height, prepare = async () => {} }) {
  const tab = await browser.newPage({ viewport: { width, height }, colorScheme: 'light' });
  await tab.setContent(readFileSync(join(folder, page), 'utf8'), { waitUntil: 'load' });
  await prepare(tab);
  await tab.screenshot({ path: join(images, name) });
  await tab.close();
}

mkdirSync(images, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const trace = [
    '--sampler',
    'ancestral',
    '--steps',
    '24',
    '--samples',
    '1',
    '--length',
    '96',
    '--seed',
    '3',
  ];
  duoEval(
    'sample',
    '--model',
    fixture('mdlm'),
    ...trace,
    '--out',
    'mdlm.jsonl',
    '--trace-html',
    'trace.html',
  );
  await shoot(browser, 'trace.html', 'trace.png', {
    width: 860,
    height: 560,
    prepare: (tab) =>
      tab.evaluate(() => {
        const slider = globalThis.document.getElementById('step');
        slider.value = '14';
        slider.dispatchEvent(new globalThis.Event('input'));
      }),
  });

  const data = ['--dataset', 'sotu', '--dataset', 'moby-dick', '--limit', '128'];
  duoEval('ppl', ...models('ar', 'mdlm', 'sedd', 'duo'), ...data, '--out', 'ppl.json');
  duoEval('report', 'ppl.json', '--title', 'Small models of speeches', '--out', 'report.html');
  await shoot(browser, 'report.html', 'report.png', { width: 900, height: 650 });
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
