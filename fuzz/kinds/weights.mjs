/**
 * Weights of other programs, through what `convert` runs. Accepted, the checkpoint that comes of them must open, hold as many
 * bytes a tensor as its shape takes, and nothing of a pickle may have run.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '../broken.mjs';
import { damage, mutations, textMutations } from '../mutations.mjs';

const fileOf = (name) =>
  readFileSync(fileURLToPath(new URL(`../../test/models/importers/files/${name}`, import.meta.url)));

const config = {
  model_type: 'DUO',
  vocab_size: 11,
  hidden_dim: 8,
  cond_dim: 6,
  n_blocks: 2,
  n_heads: 2,
  model_length: 16,
  causal: false,
};
const gpt2Config = { model_type: 'gpt2', n_embd: 12, n_head: 3, n_layer: 2, vocab_size: 13, n_positions: 16 };

/** Damage to bytes mostly; to what lies around the elements rather than to these. */
const everything = { ...mutations, ...textMutations };

function weights(seeds, names) {
  return ({ program }) => ({
    async prepare(random, folder) {
      const seed = random.of(seeds);
      const files = { ...seed.files };
      const name = random.chance(0.85) ? names(seed) : random.of(Object.keys(files));
      const kinds = name.endsWith('.json') || random.chance(0.3) ? everything : mutations;
      const inHeader = name.endsWith('.safetensors') && random.chance(0.6);
      const { bytes, how } = inHeader
        ? damageHeader(files[name], random)
        : damage(files[name], random, kinds, seed.places?.[name]);
      files[name] = bytes;
      for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content);
      const dtype = random.of(['float32', 'float16', 'int8', 'int4']);
      return {
        how: `${seed.name}, ${name}: ${how}`,
        read: () => convert(program, folder, names(seed), dtype),
      };
    },
  });
}

/** Another header of a safetensors file, with the length that it has. */
function damageHeader(bytes, random) {
  const end = 8 + Number(bytes.readBigUInt64LE());
  const header = damage(bytes.subarray(8, end), random, textMutations);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.bytes.length));
  return { bytes: Buffer.concat([length, header.bytes, bytes.subarray(end)]), how: `header, ${header.how}` };
}

async function convert(program, folder, name, dtype) {
  const { importCheckpoint } = await import(`${program}/models/importers/import-checkpoint.js`);
  const { openCheckpoint } = await import(`${program}/models/checkpoint.js`);
  const { fromBinary, ModelProtoSchema } = await import(`${program}/graph/onnx.js`);
  const { byteLength, dtypeName } = await import(`${program}/graph/dtype.js`);
  const out = join(folder, 'out', 'model.onnx');
  try {
    await importCheckpoint({ source: join(folder, name), out, dtype });
  } finally {
    expect(!existsSync('ran-code'), 'it ran code');
  }
  const checkpoint = await openCheckpoint(out);
  expect(checkpoint.vocabSize >= 2, `its vocabulary is ${checkpoint.vocabSize}`);
  for (const tensor of fromBinary(ModelProtoSchema, readFileSync(out)).graph.initializer) {
    const count = tensor.dims.reduce((product, size) => product * Number(size), 1);
    const bytes = byteLength(dtypeName(tensor.dataType), count);
    if (tensor.rawData.length > 0)
      expect(bytes === tensor.rawData.length, `"${tensor.name}" has ${tensor.rawData.length} bytes`);
    const isFloat = dtypeName(tensor.dataType) === 'float32' && tensor.rawData.length > 0;
    const floats = isFloat ? new Float32Array(Uint8Array.from(tensor.rawData).buffer) : [];
    expect(floats.every(Number.isFinite), `"${tensor.name}" holds what is no number`);
  }
}

const json = (value) => Buffer.from(JSON.stringify(value));

/** The header and a little more: where a safetensors file can be wrong. */
const headerOf = (bytes) => [[0, 8 + Number(bytes.readBigUInt64LE())]];

const safetensorsSeed = (name, settings, bytes = fileOf(name)) => ({
  name,
  files: { 'model.safetensors': bytes, 'config.json': json(settings) },
  places: { 'model.safetensors': headerOf(bytes) },
});

/** Encoders by the names and shapes of test/oracles/encoders.json; RADD, and the SEDD of its authors. */
const oracle = (name) => readFileSync(fileURLToPath(new URL(`../../test/oracles/${name}`, import.meta.url)));
const encoders = JSON.parse(oracle('encoders.json')).cases;

function encoderSeed(name) {
  const { config: settings, tensors } = encoders[name];
  const header = {};
  const parts = [];
  let at = 0;
  for (const [tensor, shape] of tensors) {
    const count = shape.reduce((product, size) => product * size, 1);
    const { buffer } = Float32Array.from({ length: count }, (_, i) => Math.sin(at + i));
    header[tensor] = { dtype: 'F32', shape, data_offsets: [at, at + buffer.byteLength] };
    at += buffer.byteLength;
    parts.push(Buffer.from(buffer));
  }
  const text = json(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return safetensorsSeed(name, { ...settings, mask_token_id: 18 }, Buffer.concat([length, text, ...parts]));
}

const publishedSeed = (name) =>
  safetensorsSeed(
    name,
    JSON.parse(oracle(`models/${name}/config.json`)),
    oracle(`models/${name}/model.safetensors`),
  );

export const safetensors = weights(
  [
    safetensorsSeed('dit.safetensors', config),
    safetensorsSeed('dit-float16.safetensors', config),
    safetensorsSeed('causal.safetensors', { ...config, causal: true }),
    safetensorsSeed('gpt2.safetensors', gpt2Config),
    ...['bert', 'bertUntied', 'modernBert', 'modernBertBiases'].map(encoderSeed),
    ...['sedd', 'radd'].map(publishedSeed),
  ],
  () => 'model.safetensors',
);

/** One entry of a configuration, at any depth, as something else or away; now and then two. */
function otherEntry(settings, random) {
  const changed = structuredClone(settings);
  const done = [];
  for (let left = random.chance(0.3) ? 2 : 1; left > 0; left--) {
    const places = entriesOf(changed);
    const [object, key] = random.of(places);
    const before = object[key];
    const others = [
      ...[0, -1, 1, 2, 7, 0.5, 1e-9, 2 ** 31, 2 ** 53, 1e300, '', 'gelu', 'x'.repeat(70), true, false],
      ...[null, [], {}, [before], { rope_type: 'yarn', factor: 4 }, { type: 'linear', factor: -1 }],
      ...(typeof before === 'number' ? [before + 1, before * 2, before / 3, -before, String(before)] : []),
    ];
    if (random.chance(0.15)) delete object[key];
    else object[key] = random.of(others);
    done.push(`${key} from ${JSON.stringify(before)} to ${JSON.stringify(object[key]) ?? 'nothing'}`);
  }
  if (random.chance(0.1))
    changed[random.of(['auto_map', 'rope_scaling', 'sliding_window', 'layer_types'])] = 3;
  return { changed, how: done.join(', ') };
}

const entriesOf = (object) =>
  Object.entries(object).flatMap(([key, value]) => [
    [object, key],
    ...(value !== null && typeof value === 'object' ? entriesOf(value) : []),
  ]);

/** Whole weights in each published layout, whose configuration says something else. */
export const layouts = ({ program }) => {
  const seeds = [
    ...['bert', 'modernBert'].map(encoderSeed),
    ...['llama-ar', 'qwen3-ar', 'a2d-qwen3', 'dream', 'pythia-ar', 'llada', 'smdm-mdm', 'diffugpt'].map(
      publishedSeed,
    ),
    ...['fast-dllm', 'gidd', 'radd'].map(publishedSeed),
  ];
  return {
    async prepare(random, folder) {
      const { name, files } = random.of(seeds);
      const { changed, how } = otherEntry(JSON.parse(files['config.json'].toString('utf8')), random);
      writeFileSync(join(folder, 'model.safetensors'), files['model.safetensors']);
      writeFileSync(join(folder, 'config.json'), json(changed));
      return { how: `${name}: ${how}`, read: () => convert(program, folder, 'model.safetensors', 'float32') };
    },
  };
};

/** The pickle lies at the start of the archive, its directory at the end. */
const archiveSeed = (name, pickleBytes) => {
  const bytes = fileOf(name);
  const end = bytes.length;
  return {
    name,
    files: { 'model.ckpt': bytes },
    places: {
      'model.ckpt': [
        [0, pickleBytes],
        [0, pickleBytes],
        [0, pickleBytes],
        [Math.max(0, end - 4200), end],
      ],
    },
  };
};

export const pickle = weights(
  [archiveSeed('duo.ckpt', 10_300), archiveSeed('duo.ckpt', 10_300), archiveSeed('runs-code.ckpt', 400)],
  () => 'model.ckpt',
);

/** Width 8, 2 heads, one of keys and values, 1 block, 300 tokens, 8 positions. */
function llama2cFile() {
  const [d, hidden, blocks, heads, shared, vocab, length] = [8, 12, 1, 2, 1, 300, 8];
  const narrow = (d / heads) * shared;
  const block = 2 * d + 2 * d * d + 2 * d * narrow + 3 * d * hidden;
  const elements = vocab * d + blocks * block + d + length * (d / heads);
  const bytes = Buffer.alloc(28 + 4 * elements);
  for (const [i, value] of [d, hidden, blocks, heads, shared, vocab, length].entries())
    bytes.writeInt32LE(value, 4 * i);
  for (let i = 0; i < elements; i++) bytes.writeFloatLE(Math.sin(12.9898 * i), 28 + 4 * i);
  return bytes;
}

function llama2cTokenizerFile() {
  const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, '0');
  const pieces = ['<unk>', '\n<s>\n', '\n</s>\n', ...Array.from({ length: 256 }, (_, i) => `<0x${hex(i)}>`)];
  for (let i = 0; pieces.length < 300; i++)
    pieces.push(i < 26 ? String.fromCharCode(97 + i) : ` ${'ab'.repeat(i - 25)}`);
  const parts = [Buffer.from([16, 0, 0, 0])];
  for (const [id, piece] of pieces.entries()) {
    const text = Buffer.from(piece);
    const head = Buffer.alloc(8);
    head.writeFloatLE(-id, 0);
    head.writeInt32LE(text.length, 4);
    parts.push(head, text);
  }
  return Buffer.concat(parts);
}

const llama2cSeed = {
  name: 'llama2c',
  files: { 'model.bin': llama2cFile(), 'tok300.bin': llama2cTokenizerFile() },
  places: { 'model.bin': [[0, 28]] },
};

export const llama2c = weights([llama2cSeed], () => 'model.bin');
