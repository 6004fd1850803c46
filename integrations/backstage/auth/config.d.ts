export interface Config {
  auth?: {
    /** Sign-in by the annotation `authentik.goauthentik.io/uid`. */
    authentikEntityProvider?: {
      /** The `iss` of Authentik's ID tokens, such as `https://authentik.example.com/application/o/backstage/`. */
      issuer: string;
      /** The namespace of the users who may sign in; `default` by default. */
      namespace?: string;
    };
  };
}
