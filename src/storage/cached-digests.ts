/** The remembered digests, for `cache ls` and `cache clear`: a line each, of which nothing tells whose it is. */
import { roomOfFiles } from './cache-inventory.js';

export const digestsRoom = roomOfFiles('sha256', 'remembered digests', () => 'digest of a file');
