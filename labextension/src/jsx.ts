/** What JSX becomes: by a name of our own, which is short where it is written. */

import React from 'react';

export const h = React.createElement;
export const { Fragment } = React;
