/**
 * The folders of this program on a user's machine: a cache folder, whose content can be rebuilt, and a configuration folder,
 * whose content cannot. Paths only; nothing here creates a folder.
 */
import { homedir } from 'node:os';
import { isAbsolute, join, posix, resolve, win32 } from 'node:path';

export interface Machine {
  platform: NodeJS.Platform;
  env: NodeJS.ProcessEnv;
  home: string;
}

const thisMachine = (): Machine => ({ platform: process.platform, env: process.env, home: homedir() });

/** `$DUO_EVAL_CACHE`, else `duo-eval` in the system's cache folder (XDG, ~/Library/Caches, %LOCALAPPDATA%). */
export function cacheFolder(machine: Machine = thisMachine()): string {
  const { env, home, platform } = machine;
  if (env.DUO_EVAL_CACHE) return resolve(env.DUO_EVAL_CACHE);
  if (platform === 'darwin') return posix.join(home, 'Library', 'Caches', 'duo-eval');
  if (platform === 'win32') {
    return win32.join(env.LOCALAPPDATA || win32.join(home, 'AppData', 'Local'), 'duo-eval', 'Cache');
  }
  return join(xdg(env.XDG_CACHE_HOME) ?? join(home, '.cache'), 'duo-eval');
}

/** `$DUO_EVAL_CONFIG`, else `duo-eval` in the system's configuration folder (XDG, Application Support, %APPDATA%). */
export function configFolder(machine: Machine = thisMachine()): string {
  const { env, home, platform } = machine;
  if (env.DUO_EVAL_CONFIG) return resolve(env.DUO_EVAL_CONFIG);
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'duo-eval');
  if (platform === 'win32') {
    return win32.join(env.APPDATA || win32.join(home, 'AppData', 'Roaming'), 'duo-eval');
  }
  return join(xdg(env.XDG_CONFIG_HOME) ?? join(home, '.config'), 'duo-eval');
}

/** The XDG base directory specification says to ignore a path that is not absolute. */
function xdg(value: string | undefined): string | null {
  return value && isAbsolute(value) ? value : null;
}
