# syntax=docker/dockerfile:1
# CI follows these instructions without a container engine and tests the result: `.ci/image/run`.

# The tag is the channel of rust-toolchain.toml.
FROM rust:1.95.0-slim-bookworm AS build
ARG TARGETPLATFORM
WORKDIR /build
COPY . .
# The caches keep the compiled dependencies. Cargo compares times, and the files of an older checkout
# may be older than the cache, so that every file gets a new time. Both caches are locked by Cargo.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target,id=authentik-entity-provider-$TARGETPLATFORM \
    find . -path ./target -prune -o -type f -exec touch {} + \
    && cargo build --release --locked --bins \
    && install -D -t image target/release/authentik-entity-provider \
    && install -d -m 0700 image/state

# It contains glibc, certificates and the time zone database, and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="authentik-entity-provider" \
      org.opencontainers.image.description="Serves the users and groups of an Authentik server to Backstage as catalog entities" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/cc-debian12:nonroot"
COPY --from=build /build/image/authentik-entity-provider /usr/local/bin/authentik-entity-provider
COPY LICENSE /usr/share/doc/authentik-entity-provider/LICENSE

# The last snapshot is persisted here. It outlives the container if the volume does.
COPY --from=build --chown=nonroot:nonroot --chmod=0700 /build/image/state /var/lib/authentik-entity-provider
ENV STATE_DIRECTORY=/var/lib/authentik-entity-provider
VOLUME /var/lib/authentik-entity-provider

# On this address the service does not start without ENTITY_PROVIDER_AUTH_READ_TOKENS (or ..._FILE),
# or ENTITY_PROVIDER_AUTH_ALLOW_ANONYMOUS=true.
ENV ENTITY_PROVIDER_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER nonroot:nonroot
STOPSIGNAL SIGTERM
# The container is healthy after the first successful run.
HEALTHCHECK --interval=30s --timeout=5s --start-period=3m --retries=3 \
    CMD ["/usr/local/bin/authentik-entity-provider", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/authentik-entity-provider"]
CMD ["serve"]
