// Writes schema/results-1.schema.json from the schemas that read results back. Run it after `npm run build` when
// a record changes; a test holds the two equal.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { EVALUATIONS } from '../dist/evals/registry.js';
import { resultsJsonSchema } from '../dist/records/results-file.js';

const path = fileURLToPath(new URL('../schema/results-1.schema.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(resultsJsonSchema(EVALUATIONS), null, 2)}\n`);
const biome = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome');
execFileSync(process.execPath, [biome, 'format', '--write', path], { stdio: 'inherit' });
