/** The folder of real data beside a checkout: tests that read it are skipped, with this reason, where it is not. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const shared = (path: string): string =>
  fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
export const sharedIsMissing = !existsSync(shared('data'));
export const REASON = sharedIsMissing ? ' (skipped: no ../shared/data beside the project)' : '';
