#!/usr/bin/env node
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../oclif.manifest.json', import.meta.url))) {
  process.stderr.write('Error: duo-eval is not built.\n  Run npm run build first.\n');
  process.exit(1);
}
const { main } = await import('../dist/cli/main.js');
await main(process.argv.slice(2), import.meta.url);
