# syntax=docker/dockerfile:1

# The tag is the channel of rust-toolchain.toml.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build

# The dependencies alone, so that a change of the sources does not build them again. The stubs
# stand for every target that Cargo.toml names.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src benches \
    && echo 'fn main() {}' | tee src/main.rs > benches/full_sync.rs \
    && touch src/lib.rs \
    && cargo build --release --locked --bins \
    && rm -r src

# The sources keep their old times in the image, so that cargo must be told that they are new.
COPY crates ./crates
COPY src ./src
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bins \
    && mkdir /build/state

# Certificates and the time zone database are in it; a shell is not.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /build/target/release/authentik-entity-provider /usr/local/bin/authentik-entity-provider
COPY LICENSE /usr/share/doc/authentik-entity-provider/LICENSE

# The last snapshot outlives the container here, if the volume does.
COPY --from=build --chown=nonroot:nonroot --chmod=0700 /build/state /var/lib/authentik-entity-provider
ENV STATE_DIRECTORY=/var/lib/authentik-entity-provider
VOLUME /var/lib/authentik-entity-provider

# A container is reached from outside or not at all. So the service does not start without
# ENTITY_PROVIDER_AUTH_READ_TOKENS (or ..._FILE), or ENTITY_PROVIDER_AUTH_ALLOW_ANONYMOUS=true.
ENV ENTITY_PROVIDER_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER nonroot:nonroot
STOPSIGNAL SIGTERM
# Not ready before the first run has succeeded.
HEALTHCHECK --interval=30s --timeout=5s --start-period=3m --retries=3 \
    CMD ["/usr/local/bin/authentik-entity-provider", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/authentik-entity-provider"]
CMD ["serve"]
