/** Checkpoints and their cards, through what `ppl` runs: open, append the loss, start the runtime, score a few sequences. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { jsonBombs } from '../bombs.mjs';
import { expect } from '../broken.mjs';
import { damageGraph } from '../graph-mutations.mjs';
import { damage, mutations, textMutations } from '../mutations.mjs';
import { modelSeeds } from '../seeds.mjs';

/** A call of a small model takes milliseconds; longer is a loop without end, which a user ends with --timeout. */
const LONGEST_CALL_S = 4;
/** exp of more is infinite. */
const LARGEST_EXPONENT = Math.log(Number.MAX_VALUE);
const TEXT =
  'Four score and seven years ago our fathers brought forth, upon this continent, a new nation. '.repeat(12);

function writeCheckpoint(folder, bytes, card) {
  writeFileSync(join(folder, 'model.onnx'), bytes);
  writeFileSync(join(folder, 'model.card.json'), card);
  writeFileSync(join(folder, 'text.txt'), TEXT);
  return join(folder, 'model.onnx');
}

const cardText = (card) => Buffer.from(`${JSON.stringify(card, null, 2)}\n`);
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

export const checkpoint = ({ program, scratch }) => {
  let seeds;
  let config;
  return {
    async begin() {
      seeds = await modelSeeds(program, scratch);
      const { Config } = await import('@oclif/core/config');
      config = await Config.load(dirname(program));
    },
    async prepare(random, folder) {
      const seed = random.of(seeds);
      const signed = random.chance(0.15);
      const { bytes, how } = random.chance(0.35)
        ? damage(seed.bytes, random, mutations, seed.places)
        : await damageGraph(seed.bytes, random, program);
      const card = signed ? { ...seed.card, sha256: sha256(seed.bytes) } : seed.card;
      writeCheckpoint(folder, bytes, cardText(card));
      return {
        how: `${seed.name}${signed ? ', signed' : ''}: ${how}`,
        async read() {
          await score(program, folder, config);
          if (signed) expect(bytes.equals(seed.bytes), 'its card names the sha256 of other bytes');
          await checkModel(program, bytes, seed.bytes);
        },
      };
    },
  };
};

export const card = ({ program, scratch }) => {
  let seeds;
  return {
    async begin() {
      seeds = (await modelSeeds(program, scratch)).filter(({ bytes }) => bytes.length < 1e5);
    },
    async prepare(random, folder) {
      const seed = random.of(seeds);
      const whole = cardText({
        note: 'a “note”',
        schedule: { type: 'cosine', eps: 1e-3 },
        maskTokenId: 257,
        distilled: { rounds: 2 },
        ...seed.card,
        sha256: sha256(seed.bytes),
      });
      const bomb = random.chance(0.04) ? random.of(Object.keys(jsonBombs)) : null;
      const { bytes, how } = bomb
        ? { bytes: jsonBombs[bomb](), how: bomb }
        : damage(whole, random, { ...mutations, ...textMutations });
      const path = writeCheckpoint(folder, seed.bytes, bytes);
      return { how: `${seed.name}: ${how}`, read: () => readCard(program, path, bytes, sha256(seed.bytes)) };
    },
  };
};

async function readCard(program, path, bytes, digest) {
  const { openCheckpoint } = await import(`${program}/models/checkpoint.js`);
  const { loadTokenizer } = await import(`${program}/datasets/tokenizer.js`);
  const { fields, unknownKeys } = await openCheckpoint(path);
  const tokenizer = fields.tokenizer.value;
  if (tokenizer !== null) {
    await loadTokenizer(tokenizer, {
      bosTokenId: fields.bosTokenId.value,
      eosTokenId: fields.eosTokenId.value,
    });
  }

  const said = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  for (const [key, field] of Object.entries(fields)) {
    if (field.from !== 'card') continue;
    if (key === 'tokenizer') continue; // a path, joined to the card's own
    // Either of the two says both.
    const derived = { timestepInput: said.timeConditioning, timeConditioning: said.timestepInput };
    if (Object.hasOwn(derived, key) && said[key] === undefined) {
      const told = key === 'timestepInput' ? field.value !== 'none' : field.value;
      const asSaid = key === 'timestepInput' ? derived[key] : derived[key] !== 'none';
      expect(told === asSaid, `${key} was derived as ${JSON.stringify(field.value)}`);
      continue;
    }
    const of = (value) => (key === 'schedule' ? [value.type, value.eps ?? 1e-3] : value);
    expect(
      JSON.stringify(of(field.value)) === JSON.stringify(of(said[key])),
      `${key} was read as ${JSON.stringify(field.value)}`,
    );
  }
  expect(
    fields.sha256.value === null || fields.sha256.value.toLowerCase() === digest,
    'another sha256 was let pass',
  );
  for (const id of ['bosTokenId', 'eosTokenId', 'maskTokenId']) {
    const { value } = fields[id];
    expect(
      value === null || (Number.isInteger(value) && value >= 0 && value < fields.vocabSize.value),
      `${id} is ${value}`,
    );
  }
  const eps = fields.schedule.value?.eps;
  expect(eps === undefined || (eps > 0 && eps < 1), `eps is ${eps}`);
  expect(Object.getPrototypeOf(unknownKeys) === Object.prototype, 'a key became a prototype');
}

/** `duo-eval ppl`, the command itself; only the process around it is this one. */
async function score(program, folder, config) {
  const { default: Ppl } = await import(`${program}/commands/ppl.js`);
  const results = join(folder, 'results.json');
  const files = [
    '--model',
    join(folder, 'model.onnx'),
    '--dataset',
    join(folder, 'text.txt'),
    '--out',
    results,
  ];
  const small = ['--limit', '2', '--batch', '2', '--threads', '1', '--timeout', String(LONGEST_CALL_S)];
  await Ppl.run([...files, ...small, '--fresh', '--quiet'], config);
  const [{ metrics }] = JSON.parse(readFileSync(results, 'utf8')).results;
  const { ppl, ...others } = metrics;
  for (const [name, { value }] of Object.entries(others))
    expect(Number.isFinite(value), `its ${name} is ${value}`);
  // Weights in disorder may cost more nats a token than e has powers.
  expect(Number.isFinite(ppl.value) || others.nll.value > LARGEST_EXPONENT, `its ppl is ${ppl.value}`);
}

/** An accepted model is one whose every tensor has the bytes that its shape takes, read by the schema alone. */
async function checkModel(program, bytes) {
  const { fromBinary, ModelProtoSchema } = await import(`${program}/graph/onnx.js`);
  const { byteLength, dtypeName } = await import(`${program}/graph/dtype.js`);
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  for (const { name, dims, dataType, rawData } of graph.initializer) {
    const dtype = dtypeName(dataType);
    if (rawData.length === 0 || !dtype) continue;
    const count = dims.reduce((product, size) => product * size, 1n);
    expect(
      BigInt(byteLength(dtype, Number(count)) ?? -1) === BigInt(rawData.length),
      `the tensor "${name}" has ${rawData.length} bytes for [${dims}]`,
    );
  }
}
