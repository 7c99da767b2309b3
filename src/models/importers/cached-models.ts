/** Models of the hub as they were converted, and what is left of unfinished fetches, for `cache ls` and `cache clear`. */
import { join } from 'node:path';
import {
  type CacheItem,
  type CacheRoom,
  namesIn,
  sizeAndTime,
  unfinishedWrites,
} from '../../storage/cache-inventory.js';
import { isLocked } from '../../storage/lock.js';
import { MODELS_ROOM, recordAt } from './hub-cache.js';

const ENTRY = /^([0-9a-f]{64})(\.(fetched|tokenizer))?$/;
const OURS =
  /^(record\.json|[\w.-]+\.(onnx|onnx[._]data(_\d+)?|card\.json|safetensors|safetensors\.index\.json)|(tokenizer|tokenizer_config|special_tokens_map|config)\.json|pytorch_model\.bin|[0-9a-f]{64}(\.part)?)$/;

export const modelsRoom: CacheRoom = {
  name: MODELS_ROOM,
  purpose: 'models of the hub, converted',
  async items(cache) {
    const room = join(cache, MODELS_ROOM);
    const found: CacheItem[] = await unfinishedWrites(MODELS_ROOM, cache);
    for (const name of await namesIn(room)) {
      const entry = ENTRY.exec(name);
      if (!entry) continue;
      const folder = join(room, name);
      found.push(...(await unfinishedWrites(MODELS_ROOM, cache, `${MODELS_ROOM}/${name}`)));
      const files = (await namesIn(folder)).filter((file) => OURS.test(file));
      // The record first: a model without one is not used.
      files.sort((a, b) => Number(b === 'record.json') - Number(a === 'record.json'));
      const paths = files.map((file) => join(folder, file));
      const facts = await sizeAndTime(paths);
      if (!facts) continue;
      const lock = join(room, entry[1]);
      const record = entry[2] ? null : recordAt(folder);
      const what = record ? `hf:${record.repo} at ${record.revision.slice(0, 12)}` : 'an unfinished fetch';
      const file = `${MODELS_ROOM}/${name}`;
      found.push({ room: MODELS_ROOM, file, what, ...facts, inUse: isLocked(lock), paths, folder, lock });
    }
    return found;
  },
};
