import manifest from '../../../package.json' with { type: 'json' };

/**
 * Raised whenever a graph built from the same weights computes something else: runs begun with one version are not continued with
 * the other.
 */
export const graphVersion = 1;

/** Who writes graphs: folders that another version of the app has written are made anew. */
export const graphWriter = `${manifest.version}/${graphVersion}`;
