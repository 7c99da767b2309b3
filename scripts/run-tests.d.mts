export function subjects(): Map<string, Set<string>>;
export function testsAbout(place: string): { tests: string[]; through: string[] };
