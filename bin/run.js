#!/usr/bin/env node
// A signal may come at any time, so this is the first thing: at SIGUSR1, Node would open its debugger for every user of the machine.
// dist/cli/signals.js takes over as soon as it is loaded. Nothing is imported before: imports of a module run first of all.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'])
  process.on(name, () => process.exit(name === 'SIGINT' ? 130 : 75));

const { existsSync } = await import('node:fs');
if (!existsSync(new URL('../oclif.manifest.json', import.meta.url))) {
  process.stderr.write('Error: duo-eval is not built.\n  Run npm run build first.\n');
  process.exit(1);
}
const { main } = await import('../dist/cli/main.js');
await main(process.argv.slice(2), import.meta.url);
