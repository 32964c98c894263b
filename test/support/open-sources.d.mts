/** The module that `src/${entry}` is, in a copy where reflection sees private fields; with the mutant of this name, if any. */
export declare function loadOpened(entry: string, mutantName?: string): Promise<unknown>;
