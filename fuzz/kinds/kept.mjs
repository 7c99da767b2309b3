/** What the program itself keeps: journals, packed streams, registrations. Damage is found, never taken for content. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonBombs } from '../bombs.mjs';
import { expect } from '../broken.mjs';
import { damage, mutations, textMutations } from '../mutations.mjs';
import { csvSeeds, jsonLinesSeeds, parquetSeeds } from '../seeds.mjs';

const kinds = { ...mutations, ...textMutations };

/** Every entry that comes back is one that was appended, whole. */
export const journal = ({ program, scratch }) => {
  const header = { key: 'a'.repeat(64), settings: { seed: 1, draws: 4 } };
  const entries = Array.from({ length: 12 }, (_, i) => ({
    d: i >> 2,
    s: [2 * i, 2 * i + 1],
    n: [Math.exp(i), 100 / (i + 3)],
    t: [Math.exp(i) - 0.25, 33.125],
    c: [1, 0],
    ms: 17 * i,
  }));
  const known = new Set(entries.map((entry) => JSON.stringify(entry)));
  let whole;
  return {
    async begin() {
      const { newJournal } = await import(`${program}/storage/journal.js`);
      const path = join(scratch, 'seed.jsonl');
      const journal = newJournal(path, header);
      for (const entry of entries) journal.append(entry);
      journal.close();
      whole = readFileSync(path);
    },
    prepare(random, folder) {
      const { bytes, how } = damage(whole, random, kinds);
      const path = join(folder, 'run.jsonl');
      writeFileSync(path, bytes);
      return {
        how,
        async read() {
          const { readJournal } = await import(`${program}/storage/journal.js`);
          readJournal(path, header, (entry) =>
            expect(
              known.has(JSON.stringify(entry)),
              `it gives back ${JSON.stringify(entry).slice(0, 200)}, which was never written`,
            ),
          );
        },
      };
    },
  };
};

/** A damaged stream reads as absent, and is packed again; never as other ids. */
export const packed = ({ program, scratch }) => {
  const sequences = Array.from({ length: 9 }, (_, i) =>
    Int32Array.from({ length: 16 }, (_, l) => (7 * i + l) % 50),
  );
  let whole;
  return {
    async begin() {
      const { PackedFileWriter } = await import(`${program}/datasets/packed-file-writer.js`);
      const path = join(scratch, 'seed.pack');
      const writer = await PackedFileWriter.create(path, 16);
      for (const sequence of sequences) writer.add(sequence, 20);
      await writer.commit({ bosTokenId: 0, eosTokenId: 1, texts: 3, tokens: 200, droppedTokens: 4 });
      whole = readFileSync(path);
    },
    prepare(random, folder) {
      const { bytes, how } = damage(whole, random);
      const path = join(folder, 'stream.pack');
      writeFileSync(path, bytes);
      return {
        how,
        async read() {
          const { PackedFileReader } = await import(`${program}/datasets/packed-file.js`);
          const file = PackedFileReader.open(path);
          if (!file) return 'refused';
          try {
            expect(file.description.sequences === sequences.length, 'it holds another number of sequences');
            const ids = file.block(0);
            if (!ids) return 'refused';
            expect(String(ids) === sequences.map(String).join(), 'it holds other ids');
            for (const i of sequences.keys())
              expect(file.textBytes(i) === 20, 'it holds other bytes of text');
          } finally {
            file.close();
          }
        },
      };
    },
  };
};

/** A registered file that changed is refused, whatever the change; a broken registration is said to be one. */
export const registration = ({ program }) => {
  const seeds = [
    ...csvSeeds(),
    ...jsonLinesSeeds(),
    ...parquetSeeds().map((seed) => ({ ...seed, column: 'sentence' })),
  ];
  return {
    prepare(random, folder) {
      const seed = random.of(seeds);
      const path = join(folder, seed.name);
      const entry = JSON.stringify(
        {
          name: 'mine',
          path,
          sha256: createHash('sha256').update(seed.bytes).digest('hex'),
          textColumn: seed.column,
        },
        null,
        2,
      );
      const ofFile = random.chance(0.5);
      const bomb = !ofFile && random.chance(0.03) ? random.of(Object.keys(jsonBombs)) : null;
      const { bytes, how } = bomb
        ? { bytes: jsonBombs[bomb](), how: bomb }
        : damage(ofFile ? seed.bytes : Buffer.from(entry), random, ofFile ? mutations : kinds);
      writeFileSync(path, ofFile ? bytes : seed.bytes);
      mkdirSync(join(folder, 'config', 'datasets'), { recursive: true });
      writeFileSync(join(folder, 'config', 'datasets', 'mine.json'), ofFile ? entry : bytes);
      return {
        how: `${ofFile ? seed.name : 'the entry'}: ${how}`,
        async read() {
          process.env.DUO_EVAL_CONFIG = join(folder, 'config');
          const { resolveDataset } = await import(`${program}/datasets/resolve-dataset.js`);
          const source = await resolveDataset({ spec: 'mine' });
          for await (const text of source.texts()) expect(typeof text === 'string', 'a text is none');
          if (ofFile) {
            expect(bytes.equals(seed.bytes), 'a registered file that changed was read');
            return;
          }
          const { path: read, sha256 } = JSON.parse(bytes.toString('utf8'));
          expect(
            source.paths[0] === read && source.sourceSha256 === sha256,
            'another file was read than the entry names',
          );
        },
      };
    },
  };
};
