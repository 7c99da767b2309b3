/**
 * Clean-up that nobody has to remember: what is made within a test goes when that test is over, what is made outside of
 * one (at the head of a file, in beforeAll) when the file is. test/support/setup.ts runs the latter, after all hooks of
 * the file.
 */
import { onTestFinished } from 'vitest';

type CleanUp = () => unknown;

const ofFile: CleanUp[] = [];

export function afterUse(cleanUp: CleanUp): void {
  try {
    onTestFinished(async () => {
      await cleanUp();
    });
  } catch {
    ofFile.push(cleanUp); // Vitest throws where no test runs.
  }
}

/** Latest first, so that a process ends before the folder it works in goes. */
export async function cleanUpFile(): Promise<void> {
  for (const cleanUp of ofFile.splice(0).reverse()) await cleanUp();
}
