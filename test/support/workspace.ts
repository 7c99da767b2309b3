/** A folder in which a user works with the built command line. Names of files are relative to it. */
import { temporaryFolder } from './folder.js';
import { duoEval, type Ran, type RunOptions } from './run.js';

export interface Workspace {
  folder: string;
  /** The path of a file in the folder. */
  at(name: string): string;
  /** @returns the name */
  write(name: string, content: string | Uint8Array): string;
  read(name: string): string;
  run(args: string[], env?: RunOptions['env']): Promise<Ran>;
}

export function workspace(): Workspace {
  const { root, path, file, read } = temporaryFolder();
  return {
    folder: root,
    at: path,
    write(name, content) {
      file(name, content);
      return name;
    },
    read,
    run: (args, env) => duoEval(args, { folder: root, env }),
  };
}

/** Runs and expects success. @returns what was printed */
export async function succeed(space: Workspace, args: string[], env?: RunOptions['env']): Promise<Ran> {
  const ran = await space.run(args, env);
  if (ran.code !== 0) throw new Error(`duo-eval ${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}
