import { expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { CACHE_PART_NAMES, cacheParts } from '../../src/cli/cache-parts.js';
import CacheClear from '../../src/commands/cache/clear.js';
import CacheLs from '../../src/commands/cache/ls.js';

it('the help of cache names its parts', async () => {
  const parts = (await cacheParts()).map(({ name }) => name);
  expect(CACHE_PART_NAMES).toEqual(parts);
  expect(parts.length).toBeGreaterThanOrEqual(6);
  for (const name of parts) expect(packageJson.oclif.topics.cache.description).toContain(`${name} (`);
  for (const { description } of [CacheClear, CacheLs]) expect(description).toContain(parts.join(', '));
});
