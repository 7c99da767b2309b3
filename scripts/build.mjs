// Compiles src/ into dist/ and writes the oclif manifest, so that starting the CLI reads one JSON file
// instead of importing every command. Nothing is replaced before its successor is whole, so a build that fails, or one
// beside a running program, leaves a program that works.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

mkdirSync(join(root, '.tmp'), { recursive: true });
const workshop = mkdtempSync(join(root, '.tmp', 'build-'));
try {
  const compiled = join(workshop, 'dist');
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  const { status } = spawnSync(
    process.execPath,
    [tsc, '-p', join(root, 'tsconfig.json'), '--outDir', compiled],
    {
      stdio: 'inherit',
    },
  );
  if (status !== 0) throw new Error('src/ does not compile');
  const dist = join(root, 'dist');
  if (existsSync(dist)) renameSync(dist, join(workshop, 'replaced'));
  renameSync(compiled, dist);

  const { Plugin } = await import('@oclif/core/config');
  const plugin = new Plugin({
    root,
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  const manifest = join(workshop, 'manifest.json');
  writeFileSync(manifest, `${JSON.stringify(plugin.manifest, null, 2)}\n`);
  renameSync(manifest, join(root, 'oclif.manifest.json'));
} catch (error) {
  console.error(`Build failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(workshop, { recursive: true, force: true });
}
