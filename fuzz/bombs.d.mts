type Bombs = Record<string, [name: string, bytes: () => Buffer]>;
export const csvBombs: Bombs;
export const jsonLinesBombs: Bombs;
export const parquetBombs: Bombs;
export const unfoldingBombs: Bombs;
