/** What a person has set for a plugin, now and whenever it changes. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';

/**
 * Have settings taken as soon as they are loaded, and each time that they change.
 *
 * @param registry - Where they are kept, if that is there.
 * @param id - Whose they are.
 * @param take - Is called with them.
 */
export function follow(
  registry: ISettingRegistry | null,
  id: string,
  take: (settings: ISettingRegistry.ISettings) => void
): void {
  void registry?.load(id).then(found => {
    found.changed.connect(take);
    take(found);
  });
}
