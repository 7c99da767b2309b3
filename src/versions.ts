/** Versions in a record. They come from package files, so that no runtime is loaded to find them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const own = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const runtime = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

export const VERSIONS = {
  tool: `duo-eval/${own.version}`,
  node: process.version,
  onnxruntime: runtime.version,
} as const;
