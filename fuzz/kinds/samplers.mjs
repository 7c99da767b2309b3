/**
 * Samplers of users that misbehave, each made of a few statements in a row. The command must end soon, in a sentence or with
 * samples that are whole; a run that fails leaves no file.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '../broken.mjs';

const fixture = (name) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const SAMPLES = 2;
const LENGTH = 8;

/** The first of these may be anywhere; those of `last` mean that no honest end can follow. */
const sound = [
  'yield;',
  'await run.denoise({ t: 1, step: step++ }); yield;',
  'const { token } = await run.denoise({ t: 0.5, step: step++ }); run.tokens.set(token); yield;',
  'run.uniforms("own-1", step); yield;',
  'run.tokens.fill(7); yield;',
  'await new Promise((r) => setTimeout(r, 5)); yield;',
  'const kept = run.denoise({ t: 1, step: step++ }); yield; await kept;',
  'try { await run.denoise({ t: 9, step: 0 }); } catch {} yield;',
  'console.log("a word");',
  'run.fixed.fill(1);',
];
const last = [
  'for (;;);',
  'for (;;) yield;',
  'for (;;) await run.denoise({ t: 1, step: step++ });',
  'for (;;) await 0;',
  'for (;;) await new Promise((r) => setTimeout(r, 3));',
  'await new Promise(() => {});',
  'process.exit(0);',
  'process.exit(3);',
  'setTimeout(() => process.exit(0), 10); await new Promise((r) => setTimeout(r, 1e6));',
  'throw new Error("no\\nluck");',
  'throw null;',
  'throw { toString() { throw 1; } };',
  'Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 50)); throw new Error("late");',
  'yield 1;',
  'run.tokens = new Int32Array(3); yield;',
  'run.tokens.fill(-1); yield;',
  'run.tokens.fill(1e9); yield;',
  'await run.denoise();',
  'await run.denoise({ t: Number.NaN, step: 0 });',
  'await run.denoise({ t: 1, step: () => 0 });',
  'await run.denoise({ t: 1, step: 2 ** 40 });',
  'await run.denoise({ t: 1, step: step++, skip: new Uint8Array(99) });',
  'const all = []; for (;;) all.push({ step: step++ });',
  'run.causal.begin({});',
  'run.latent.begin({});',
  'run.uniforms("nothing", 0);',
  'const f = () => f() + 1; f();',
  'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
  'Object.defineProperty(globalThis, "Promise", { value: null }); await run.denoise({ t: 1, step: step++ });',
  'structuredClone(run.tokens.buffer, { transfer: [run.tokens.buffer] }); yield;',
];
const before = [
  'process.exit(0);',
  'throw new Error("no luck");',
  'await new Promise(() => {});',
  'const x = ;',
];
const exportsOfNone = [
  'export const x = 1;',
  'export default null;',
  'export default 7;',
  'export default { name: "own", summary: "x", families: ["mdlm"] };',
  'export default { name: "own", summary: "x", families: "mdlm", async *sample() {} };',
  'export default { name: "own", summary: "x", families: ["mdlm"], options: { a: {} }, async *sample() {} };',
  'export default new Proxy({}, { get() { throw new Error("no"); } });',
  'export default { get name() { for (;;) break; return {}; }, sample: 1 };',
  'const a = { name: "own" }; a.options = a; a.families = [a]; export default a;',
];

export const samplers = ({ program }) => {
  let config;
  return {
    async begin() {
      const { Config } = await import('@oclif/core/config');
      config = await Config.load(dirname(program));
    },
    prepare(random, folder) {
      const form = random.below(10);
      const steps = Array.from({ length: random.below(4) }, () => random.of(sound));
      const ends = form >= 4 && form < 9 ? random.of(last) : '';
      const start = form === 3 ? random.of(before) : '';
      const check = random.chance(0.1)
        ? `check() { ${random.of(['for (;;) break;', 'throw new Error("no");'])} },`
        : '';
      const text =
        form === 9
          ? random.of(exportsOfNone)
          : `${start}\nexport default { name: 'own', summary: 'One.', families: ['mdlm'], ${check}
               async *sample(run) { let step = 0; ${[...steps, ends].map((s) => `{ ${s} }`).join(' ')} } };`;
      const path = join(folder, 'own.mjs');
      writeFileSync(path, text);
      const batch = random.of(['1', '2']);
      const mayEnd = form < 3 && !check.includes('throw');
      return {
        how: text.replace(/\s+/g, ' ').slice(0, 300),
        async read() {
          const out = join(folder, 'out.jsonl');
          const { default: Sample } = await import(`${program}/commands/sample.js`);
          try {
            await Sample.run(
              [
                ...[
                  '--model',
                  fixture('markov-mdlm.onnx'),
                  '--sampler',
                  path,
                  '--timeout',
                  '1',
                  '--quiet',
                  '--fresh',
                ],
                ...[
                  '--samples',
                  String(SAMPLES),
                  '--length',
                  String(LENGTH),
                  '--steps',
                  '2',
                  '--threads',
                  '1',
                ],
                ...['--batch', batch, '--out', out],
              ],
              config,
            );
          } catch (error) {
            expect(!existsSync(out), 'a run that failed left a file');
            throw error;
          }
          expect(mayEnd, 'it ended well');
          const lines = readFileSync(out, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line));
          expect(lines.length === SAMPLES + 1, `it wrote ${lines.length - 1} samples`);
          for (const { tokens } of lines.slice(1))
            expect(
              tokens.length === LENGTH && tokens.every((id) => id >= 0 && id < 258),
              `its tokens are ${tokens}`,
            );
        },
      };
    },
  };
};
