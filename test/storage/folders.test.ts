import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder, configFolder } from '../../src/storage/folders.js';

const machine = (platform: NodeJS.Platform, env: NodeJS.ProcessEnv, home: string) => ({
  platform,
  env,
  home,
});

describe('the cache and configuration folders', () => {
  it('are what DUO_EVAL_CACHE and DUO_EVAL_CONFIG say, made absolute', () => {
    const here = machine('linux', { DUO_EVAL_CACHE: 'c', DUO_EVAL_CONFIG: '/etc/d' }, '/home/a');
    expect(cacheFolder(here)).toBe(resolve('c'));
    expect(configFolder(here)).toBe('/etc/d');
  });

  it('follow XDG on Linux, and ignore a relative XDG path', () => {
    const xdg = machine('linux', { XDG_CACHE_HOME: '/x/cache', XDG_CONFIG_HOME: '/x/config' }, '/home/a');
    expect(cacheFolder(xdg)).toBe('/x/cache/duo-eval');
    expect(configFolder(xdg)).toBe('/x/config/duo-eval');
    const plain = machine('linux', { XDG_CACHE_HOME: 'relative' }, '/home/a');
    expect(cacheFolder(plain)).toBe(join('/home/a', '.cache', 'duo-eval'));
    expect(configFolder(plain)).toBe(join('/home/a', '.config', 'duo-eval'));
  });

  it('are the Library on macOS and AppData on Windows', () => {
    const mac = machine('darwin', { XDG_CACHE_HOME: '/x' }, '/Users/a');
    expect(cacheFolder(mac)).toBe('/Users/a/Library/Caches/duo-eval');
    expect(configFolder(mac)).toBe('/Users/a/Library/Application Support/duo-eval');
    const windows = machine('win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\a');
    expect(cacheFolder(windows)).toBe('D:\\Local\\duo-eval\\Cache');
    expect(configFolder(windows)).toBe('C:\\Users\\a\\AppData\\Roaming\\duo-eval');
  });
});
