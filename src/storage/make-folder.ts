/**
 * Makes a folder and its missing parents, one by one. Node's own `recursive` never returns if the system claims that a parent
 * is missing although it exists (/proc, some network disks).
 */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemCodeOf } from './file-failure.js';

/** @returns the folders made, outermost first   @throws the system's error, after removing them again */
export function makeFolder(path: string): string[] {
  const made: string[] = [];
  for (const folder of missingFolders(path).missing) {
    try {
      mkdirSync(folder);
      made.push(folder);
    } catch (cause) {
      if (systemCodeOf(cause) === 'EEXIST') continue; // another process was faster
      for (const empty of made.reverse()) rmdirSync(empty);
      throw cause;
    }
  }
  return made;
}

/** The nearest existing parent, and the folders to make below it, outermost first. */
export function missingFolders(path: string): { there: string; missing: string[] } {
  const missing: string[] = [];
  let there = path;
  for (; !existsSync(there) && dirname(there) !== there; there = dirname(there)) missing.unshift(there);
  return { there, missing };
}
