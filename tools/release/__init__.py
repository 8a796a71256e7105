"""How a release is made: `make dist` builds it, looks into it, tries it, and lists what it needs."""
