// Writes schema/results-1.schema.json from the zod schema that reads results back. Run it after `npm run build` when
// src/records/schema.ts changes; a test holds the two equal.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { resultsJsonSchema } from '../dist/records/schema.js';

const path = fileURLToPath(new URL('../schema/results-1.schema.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(resultsJsonSchema(), null, 2)}\n`);
const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
execFileSync(process.execPath, [biome, 'format', '--write', path], { stdio: 'inherit' });
