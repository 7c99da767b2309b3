/** Gates as a file of them is read, from the text below `gates:`. */
import { readGates } from '../../src/comparison/gate/config.js';
import { temporaryFolder } from '../support/folder.js';

export function gatesOf(text: string): ReturnType<typeof readGates> {
  return readGates(temporaryFolder().file('gates.yaml', `gates:\n${text}\n`));
}
