import { readFileSync } from 'node:fs';

/** A file of expected values made outside of this project. */
export function oracle(name: string) {
  return JSON.parse(readFileSync(new URL(`../oracles/${name}.json`, import.meta.url), 'utf8'));
}
