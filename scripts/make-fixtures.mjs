// Writes fixtures/: `npm run fixtures`. The recipe is src/models/sources/markov-fixtures.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { embeddedSource } from '../dist/datasets/embedded-texts.js';
import { markovFixtures } from '../dist/models/sources/markov-fixtures.js';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'fixtures');
const texts = [];
for await (const text of (await embeddedSource('sotu-train')).texts()) texts.push(Buffer.from(text));

for (const [name, bytes] of markovFixtures(texts)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), bytes);
  console.log(`${name}  ${bytes.length} bytes`);
}
