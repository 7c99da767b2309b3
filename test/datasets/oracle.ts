import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const file = (name: string) => readFileSync(new URL(`../oracles/${name}`, import.meta.url));

/** A file of expected values made outside of this project. */
export function oracle(name: string) {
  return JSON.parse(file(`${name}.json`).toString('utf8'));
}

/** As {@link oracle}, of a large file. */
export function largeOracle(name: string) {
  return JSON.parse(gunzipSync(file(`${name}.json.gz`)).toString('utf8'));
}
