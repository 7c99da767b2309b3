import { expect, it } from 'vitest';
import { CACHE_ROOM_NAMES, cacheRooms } from '../../src/cli/cache-rooms.js';
import CacheClear from '../../src/commands/cache/clear.js';
import CacheLs from '../../src/commands/cache/ls.js';

it('the help of cache names the rooms that there are', async () => {
  const rooms = (await cacheRooms()).map(({ name }) => name);
  expect(CACHE_ROOM_NAMES).toEqual(rooms);
  expect(rooms.length).toBeGreaterThanOrEqual(6);
  for (const { description } of [CacheClear, CacheLs]) expect(description).toContain(rooms.join(', '));
});
