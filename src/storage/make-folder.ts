/**
 * Makes a folder and those above it that are missing. Node's own `recursive` never returns where the system says that a
 * folder cannot be made because one above is missing although it is there (/proc, some network disks): so, one by one.
 */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCodeOf } from './file-failure.js';

/** @returns those that were made, outermost first   @throws the system's error, after which none is left */
export function makeFolder(path: string): string[] {
  const made: string[] = [];
  for (const folder of missingFolders(path).missing) {
    try {
      mkdirSync(folder);
      made.push(folder);
    } catch (cause) {
      if (systemCodeOf(cause) === 'EEXIST') continue; // another process was quicker
      for (const empty of made.reverse()) rmdirSync(empty);
      throw cause;
    }
  }
  return made;
}

/** The nearest folder above that exists, and those to be made below it, outermost first. */
export function missingFolders(path: string): { there: string; missing: string[] } {
  const missing: string[] = [];
  let there = path;
  for (; !existsSync(there) && dirname(there) !== there; there = dirname(there)) missing.unshift(there);
  return { there, missing };
}
