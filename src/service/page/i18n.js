// i18n: filled in by the next commits of this folder.
