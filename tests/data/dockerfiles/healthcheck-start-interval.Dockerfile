FROM scratch
HEALTHCHECK --start-period=10s --start-interval=1s CMD ["/health"]
